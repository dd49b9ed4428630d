import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisServer } from '../../../test/support/redis-server.js';
import type { Weather } from '../load/weather.js';
import type { ServiceNode } from '../rows/service-node.js';

/** What the soak is done to. */
export interface SoakedSystem {
  readonly redis: RedisServer;
  /** One that may be killed and restarted, beside another that may not. */
  readonly expendable: ServiceNode;
  readonly redisWeather: Weather;
  readonly clientWeather: Weather;
}

/** One thing that goes wrong, and is right again when it resolves. */
type Mishap = (system: SoakedSystem) => Promise<void>;

export const mishaps: Readonly<Record<string, Mishap>> = {
  'nothing happens': async () => {},
  'Redis is killed, back after 2 s': async ({ redis }) => {
    await redis.kill();
    await sleep(2000);
    await redis.start();
  },
  'Redis is stopped for 4 s': async ({ redis }) => {
    redis.signal('SIGSTOP');
    await sleep(4000);
    redis.signal('SIGCONT');
  },
  'a node is killed, back at once': async ({ expendable }) => {
    await expendable.kill();
    await expendable.start();
  },
  'a node is restarted': ({ expendable }) => expendable.restart(),
  'clients are cut off': async ({ clientWeather }) => clientWeather.cut(),
  'Redis is cut off': async ({ redisWeather }) => redisWeather.cut(),
  'notifications are swallowed for 5 s': async ({ redisWeather }) => {
    redisWeather.isDeafToWakeUps = true;
    await sleep(5000);
    redisWeather.isDeafToWakeUps = false;
  },
  'clients lose responses for 5 s': async ({ clientWeather }) => {
    clientWeather.losses = { answer: 0.02, request: 0.01 };
    await sleep(5000);
    clientWeather.losses = { answer: 0, request: 0 };
  },
  'replies of Redis are lost for 5 s': async ({ redisWeather }) => {
    redisWeather.losses = { answer: 0.02, request: 0 };
    await sleep(5000);
    redisWeather.losses = { answer: 0, request: 0 };
  },
  'Redis is slow for 5 s': async ({ redisWeather }) => {
    redisWeather.latencyMs = 100;
    await sleep(5000);
    redisWeather.latencyMs = 0;
  },
};

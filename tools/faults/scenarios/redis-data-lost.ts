import type { RedisServer } from '../../../test/support/redis-server.js';
import type { Fault, Run } from '../fault.js';
import type { Findings } from '../findings.js';
import { slowestReset } from '../load/delays.js';
import { sessionOfLoad } from '../load/load.js';
import { limit } from './limit.js';
import { someMoment } from './some-moment.js';
import { type RedisUnderLoad, redisUnderLoad } from './under-load.js';

/** How soon readers are told that what they saw is gone. */
const noticeMs = 3000;

export const redisKilledWithoutFiles = losing({
  name: 'redis-killed-without-files',
  title: 'kill -9 of Redis that keeps nothing on disk, back at once',
  lose: async ({ redis, load }) => {
    await redis.kill();
    await redis.start();
    return load.streams.map(({ mid }) => mid);
  },
});

export const redisFlushed = losing({
  name: 'redis-flushed',
  title: 'FLUSHDB under load',
  lose: async ({ redis, load }) => {
    await call(redis, 'FLUSHDB');
    return load.streams.map(({ mid }) => mid);
  },
});

export const listDeleted = losing({
  name: 'list-deleted',
  title: 'DEL of one list, directly in Redis',
  lose: async ({ redis, load }) => {
    const { mid } = load.streams[0] as { mid: string };
    await call(redis, 'DEL', `stream:events:${sessionOfLoad}:${mid}`);
    return [mid];
  },
});

interface DataLoss {
  readonly name: string;
  readonly title: string;
  /** Resolves with the streams that are gone. */
  readonly lose: (system: RedisUnderLoad) => Promise<readonly string[]>;
}

function losing({ name, title, lose }: DataLoss): Fault {
  return {
    name,
    backend: 'Redis',
    title,
    promise:
      'readers of lost events are reset within 3 s and see all later events; no other reader is reset',
    runs: 10,
    inject: (run) => inject(run, lose),
  };
}

async function inject(run: Run, lose: DataLoss['lose']): Promise<Findings> {
  const system = await redisUnderLoad(run);
  const { load, storedOf } = system;
  await someMoment(run);
  const injectedAt = performance.now();
  const gone = new Set(await lose(system));
  await load.goesOn(load.options.eventsPerSecond * (run.isFull ? 3 : 1));
  await load.finish();
  const found = await load.judge(storedOf, { mayLose: true });
  const untouched = load.streams.filter(({ mid }) => !gone.has(mid));
  const disturbed = untouched.filter(({ readers }) =>
    readers.some(({ frames }) => frames.some(({ event }) => event === 'reset')),
  );
  return limit(found, {
    'reset after, ms': [slowestReset(load, gone, injectedAt), noticeMs],
    'needless resets': [disturbed.length, 0],
  });
}

async function call(redis: RedisServer, command: string, ...args: string[]): Promise<void> {
  const client = redis.client();
  await client.call(command, ...args);
  client.disconnect();
}

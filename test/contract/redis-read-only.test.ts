import type { Redis } from 'ioredis';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { redisBackend } from '../support/backends.js';
import { answers, newStream } from '../support/events.js';
import { ownRedis } from '../support/own-redis.js';
import type { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { clientOf, startRedis } from '../support/test-processes.js';
import { succeeds, waitFor } from '../support/wait-for.js';

const readOnly = "READONLY You can't write against a read only replica.";

/** What a replica says to a script that writes, by the version of Redis. */
const replies: readonly [version: string, rewrite: (text: string) => string][] = [
  ['7.0', (text) => text],
  [
    '6.2',
    (text) =>
      text.replace(
        /^-READONLY .* script: (\w+), on .*$/gm,
        `-ERR Error running script (call to f_$1): @user_script:1: @user_script: 1: -${readOnly} `,
      ),
  ],
];

describe.each(replies)('A Redis primary behind one name, %s, that becomes a replica', (_, to) => {
  let first: RedisServer;
  let firstClient: Redis;
  let name: TcpProxy;
  beforeEach(async () => {
    first = await startRedis();
    firstClient = clientOf(first);
    name = await TcpProxy.start(first.port, (chunk, from) =>
      from === 'service' ? Buffer.from(to(chunk.toString('latin1')), 'latin1') : chunk.length,
    );
    onTestFinished(() => name.close());
  });

  async function connect() {
    const addresses = [{ host: '127.0.0.1', port: name.port }];
    const manager = await redisBackend.create({ redis: { addresses } });
    onTestFinished(() => manager.close());
    return manager;
  }

  it('is left for the server that has its name now, and appends go on there', async () => {
    const second = await startRedis();
    const manager = await connect();
    const stream = newStream();
    await manager.appendEvents(stream, answers(1));
    name.targetPort = second.port; // new connections only: the one that stands stays where it is
    await firstClient.replicaof('127.0.0.1', second.port);
    await expect(manager.appendEvents(stream, answers(1))).rejects.toMatchObject({
      code: 'backend_unavailable',
      details: { stored: 0 },
    });
    await waitFor('appends go on', () => succeeds(manager.appendEvents(newStream(), answers(1))));
    await manager.ping();
  });

  it('is not ready, though it answers PING, until it is the primary again', async () => {
    const manager = await connect();
    await firstClient.replicaof('127.0.0.1', 1);
    await expect(manager.ping()).rejects.toMatchObject({ code: 'backend_unavailable' });
    await firstClient.replicaof('NO', 'ONE');
    await waitFor('it is ready', () => succeeds(manager.ping()));
  });
});

describe('A Redis primary that rejects writes', () => {
  it('keeps the service ready while it lacks replicas, as readers are served', async () => {
    const { redis, manager } = await ownRedis();
    await redis.config('SET', 'min-replicas-to-write', '1');
    await expect(manager.appendEvents(newStream(), answers(1))).rejects.toMatchObject({
      code: 'backend_unavailable',
      details: { stored: 0 },
    });
    await manager.ping();
  });
});

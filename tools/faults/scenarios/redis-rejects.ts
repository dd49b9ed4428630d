import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { RedisServer } from '../../../test/support/redis-server.js';
import { waitFor } from '../../../test/support/wait-for.js';
import type { Fault, Run } from '../fault.js';
import type { Findings } from '../findings.js';
import type { Load } from '../load/load.js';
import { judgeRecovery } from './judge-recovery.js';
import { limit } from './limit.js';
import { someMoment } from './some-moment.js';
import { redisUnderLoad } from './under-load.js';

export const redisFull = rejecting({
  name: 'redis-full',
  title: 'maxmemory of Redis is reached for 3 s',
  promise: '507 with `stored: 0`; feeds stay open; it recovers automatically',
  code: 'store_full',
  begin: async (admin) => {
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
    await admin.config('SET', 'maxmemory', '1');
  },
  end: (admin) => admin.config('SET', 'maxmemory', '0'),
});

export const redisReadOnly = rejecting({
  name: 'redis-read-only',
  title: 'Redis rejects writes for 3 s, as the replicas that it requires are missing',
  promise: 'appends are rejected with `stored: 0`; feeds stay open; it recovers automatically',
  code: 'backend_unavailable',
  begin: (admin) => admin.config('SET', 'min-replicas-to-write', '1'),
  end: (admin) => admin.config('SET', 'min-replicas-to-write', '0'),
});

interface Rejecting extends Pick<Fault, 'name' | 'title' | 'promise'> {
  /** Error code of the rejected appends. */
  readonly code: string;
  readonly begin: (admin: Redis) => Promise<unknown>;
  readonly end: (admin: Redis) => Promise<unknown>;
}

function rejecting(kind: Rejecting): Fault {
  const { name, title, promise } = kind;
  const runs = 10;
  return { name, backend: 'Redis', title, promise, runs, inject: (run) => inject(run, kind) };
}

async function inject(run: Run, { code, begin, end }: Rejecting): Promise<Findings> {
  const { redis, load, storedOf } = await redisUnderLoad(run);
  const admin = adminOf(run, redis);
  await someMoment(run);
  await begin(admin);
  const injectedAt = performance.now();
  await waitFor('appends are rejected', () => rejectionsOf(load, injectedAt).includes(code));
  await sleep(run.isFull ? 3000 : 1000);
  await end(admin);
  const backAt = performance.now();
  const found = await judgeRecovery({ load, storedOf }, backAt);
  // A worker that ends its stream too early for an input is told so, fault or not.
  const expected = [code, 'inputs_unread'];
  const others = rejectionsOf(load, injectedAt).filter((one) => !expected.includes(one));
  const reconnected = load.readers.filter(({ connections }) => connections > 2).length;
  return limit(found, {
    [`rejections other than ${code}`]: [others.length, 0],
    'feeds that ended': [reconnected, 0],
  });
}

function adminOf({ scope }: Run, redis: RedisServer): Redis {
  return scope.add(redis.client(), (client) => client.disconnect());
}

/** The codes of the rejections since then. */
function rejectionsOf(load: Load, moment: number): string[] {
  const attempts = load.producers.flatMap((producer) => producer.attempts);
  return attempts.filter(({ sentAt }) => sentAt >= moment).flatMap(({ code }) => code ?? []);
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, Run } from '../fault.js';
import type { Findings } from '../findings.js';
import { caughtUpAfter } from '../load/delays.js';
import { Load } from '../load/load.js';
import { limit } from './limit.js';
import { listsOf, onRedis, startNodes, startRedis } from './nodes.js';
import { usualLoad } from './usual-load.js';

const policies = ['everysec', 'always'] as const;

export const redisKilledWithAof: Fault = {
  name: 'redis-killed-with-aof',
  backend: 'Redis',
  title: 'kill -9 of Redis with an AOF, everysec and always in turn, back after 2 s',
  promise: 'nothing lost; appends answered within 2.5 s; readers caught up 5 s after it is back',
  runs: { short: 1, full: 30 },

  async strike(run: Run): Promise<Findings> {
    const { scope, index } = run;
    const policy = policies[index % policies.length] as string;
    const redis = await startRedis(scope, '--appendonly', 'yes', '--appendfsync', policy);
    const nodes = await startNodes(scope, 2, onRedis(redis, { FEED_LINGER: '100ms' }));
    const load = await Load.start(
      scope,
      usualLoad(
        run,
        nodes.map(({ url }) => url),
      ),
    );
    await sleep(run.random() * 3000);
    await redis.kill();
    await sleep(2000);
    await redis.start();
    const backAt = performance.now();
    await load.goesOn(load.options.eventsPerSecond);
    await load.finish();
    const found = await load.judge(listsOf(scope, redis), { answerLimitMs: 2500 });
    return limit(found, { 'caught up after, ms': [caughtUpAfter(load, backAt), 5000] });
  },
};

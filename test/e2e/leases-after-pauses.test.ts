import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LivingWorker, signsOfLife } from '../support/living-worker.js';
import {
  type Environment,
  isReady,
  onRedis,
  startRedis,
  startService,
} from '../support/test-processes.js';

const leaseSeconds = 4;
/** Shorter than the lease, and still longer than many of them have left. */
const pauseMs = 3200;

const backends: Record<string, () => Promise<Environment>> = {
  memory: async () => ({ STREAM_MANAGER_TYPE: 'memory' }),
  Redis: async () => onRedis(await startRedis()),
};

it.each(Object.entries(backends))(
  'with %s, a node that stands still for less than a lease ends none whose worker lives',
  async (_, settings) => {
    const service = await startService(await settings());
    await isReady(service);
    const workers = Array.from({ length: 30 }, (_, index) => {
      const sign = signsOfLife[index % signsOfLife.length] ?? 'appends';
      const mid = `m${index}`;
      return new LivingWorker({ bases: [service.url], mid, sign, leaseSeconds }, 0);
    });
    for (const worker of workers) {
      await worker.start();
      await sleep(20); // so that they are in step with nothing
    }
    await sleep(leaseSeconds * 1000);
    for (let count = 0; count < 3; count += 1) {
      service.signal('SIGSTOP');
      await sleep(pauseMs);
      service.signal('SIGCONT');
      await sleep(2200 + count * 100);
    }
    await Promise.all(workers.map((worker) => worker.stop()));
    expect(workers.filter(({ wasEnded }) => wasEnded)).toEqual([]);
  },
);

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { heartbeats, LivingWorker } from '../support/living-worker.js';
import {
  type Environment,
  isReady,
  onRedis,
  startRedis,
  startService,
} from '../support/test-processes.js';
import { eventsUrl } from '../support/worker.js';

const leaseSeconds = 4;
/** Shorter than the lease, and still longer than many of them have left. */
const pauseMs = 3200;
/** How long a busy node may take to read what it was sent. */
const readMs = 1000;

const backends: Record<string, () => Promise<Environment>> = {
  memory: async () => ({ STREAM_MANAGER_TYPE: 'memory' }),
  Redis: async () => onRedis(await startRedis()),
};

it.each(Object.entries(backends))(
  'With %s, a node that hangs for less than a lease expires no lease of a live worker',
  async (_, settings) => {
    const service = await startService(await settings());
    await isReady(service);
    const workers = Array.from({ length: 30 }, (_, index) => {
      const sign = heartbeats[index % heartbeats.length] ?? 'appends';
      const mid = `m${index}`;
      return new LivingWorker({ bases: [service.url], mid, sign, leaseSeconds }, 0);
    });
    for (const worker of workers) {
      await worker.start();
      await sleep(20); // so that they are in step with nothing
    }
    await sleep(leaseSeconds * 1000);
    const pauses: number[] = [];
    for (let count = 0; count < 3; count += 1) {
      const stoppedAt = Date.now();
      service.signal('SIGSTOP');
      await sleep(pauseMs);
      service.signal('SIGCONT');
      pauses.push(Date.now() - stoppedAt);
      await sleep(2200 + count * 100);
    }
    await Promise.all(workers.map((worker) => worker.stop()));
    const ended = workers.filter(({ wasEnded }) => wasEnded);
    const silences = await Promise.all(ended.map((worker) => silenceOf(worker, service.url)));
    // On a machine that is too busy, some come too late, or a pause lasts for a lease.
    const silentMs = silences.map((ms) => Math.max(ms, ...pauses));
    expect(silentMs.filter((ms) => ms < leaseSeconds * 1000)).toEqual([]);
    expect(ended.length, 'not one lives').toBeLessThan(workers.length);
  },
);

/** How long the worker had sent nothing when its stream was ended: an open body goes on. */
async function silenceOf({ options, sentAt }: LivingWorker, base: string): Promise<number> {
  if (options.sign === 'an open body') return 0;
  const page = await fetch(`${eventsUrl(base, 's1', options.mid)}`);
  const { events } = (await page.json()) as { events: { timestamp: string }[] };
  const endedAt = Date.parse(events.at(-1)?.timestamp as string);
  return endedAt - Math.max(...sentAt.filter((at) => at <= endedAt - readMs));
}

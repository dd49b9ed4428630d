import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, Run } from '../fault.js';
import type { Findings } from '../findings.js';
import { slowestLoss } from '../load/delays.js';
import type { Load, LoadOptions, StoredOf } from '../load/load.js';
import { limit } from './limit.js';
import { memoryUnderLoad, redisUnderLoad } from './under-load.js';

/** How long after its lease a stream may end, the way to its readers included. */
const lateMs = 5000;

const common = {
  promise: 'their streams end within their lease and 5 s, once; those of live workers do not',
  runs: 10,
} as const;

export const workerLost: Fault = {
  ...common,
  name: 'worker-lost',
  backend: 'Redis',
  title: 'half of the workers fall silent; in every other run a node of two is killed too',

  async inject(run: Run): Promise<Findings> {
    const { index } = run;
    const { nodes, load, storedOf } = await redisUnderLoad(run, { load: leased(run) });
    const silenced = silenceHalf(run, load);
    if (index % 2 === 1) {
      await sleep(run.random() * 1000);
      await nodes[index % 4 === 1 ? 0 : 1]?.kill();
    }
    await silenced;
    return judge(load, storedOf);
  },
};

export const workerLostInMemory: Fault = {
  ...common,
  name: 'worker-lost-memory',
  backend: 'memory',
  title: 'half of the workers fall silent',

  async inject(run: Run): Promise<Findings> {
    const { load, storedOf } = await memoryUnderLoad(run, { load: leased(run) });
    await silenceHalf(run, load);
    return judge(load, storedOf);
  },
};

/** Beside other programs, those who live must be quick enough for their leases. */
function leased({ isFull }: Run): Partial<LoadOptions> {
  return { leaseSeconds: isFull ? 3 : 8 };
}

/** Every other worker says no more, each from a moment of its own on. */
async function silenceHalf({ random }: Run, load: Load): Promise<void> {
  const dying = load.producers.filter((_, index) => index % 2 === 0);
  await Promise.all(
    dying.map(async (producer) => {
      await sleep(random() * 1000);
      await producer.halt();
    }),
  );
}

/** Lets the others go on for as long as somebody might take them for lost, and ends them. */
async function judge(load: Load, storedOf: StoredOf): Promise<Findings> {
  const { leaseSeconds, eventsPerSecond } = load.options;
  await sleep((leaseSeconds ?? 0) * 1000);
  await load.goesOn(eventsPerSecond / 2);
  await load.finish();
  const found = await load.judge(storedOf, { lateEndMs: lateMs });
  return limit(found, { 'ended after the lease, ms': [slowestLoss(load), lateMs] });
}

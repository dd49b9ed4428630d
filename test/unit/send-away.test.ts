import { describe, expect, it, vi } from 'vitest';
import { endInSteps } from '../../src/feed/send-away.js';
import type { Subscriber } from '../../src/feed/subscriber.js';

const { sleep } = vi.hoisted(() => ({ sleep: vi.fn(async (_ms: number) => {}) }));

// Steps have a pause between them; what one step does may take several turns of the event loop.
vi.mock('node:timers/promises', async (importOriginal) => ({
  ...(await importOriginal<typeof import('node:timers/promises')>()),
  setTimeout: sleep,
}));

/** Ends this many feeds, and tells how many ended at which step. */
async function steps(count: number, spreadMs: number): Promise<number[]> {
  const sizes: number[] = [];
  const finish = () => {
    const step = sleep.mock.calls.length;
    sizes[step] = (sizes[step] ?? 0) + 1;
  };
  sleep.mockClear();
  await endInSteps(Array(count).fill({ finish } as unknown as Subscriber), spreadMs);
  return sizes;
}

describe('feeds that are sent away', () => {
  it('end at once when they are few', async () => {
    expect(await steps(0, 3000)).toEqual([]);
    expect(await steps(20, 3000)).toEqual([20]);
  });

  it('end twenty at a time when they are some', async () => {
    expect(await steps(50, 3000)).toEqual([20, 20, 10]);
  });

  it('end in equal steps within the given time when they are many', async () => {
    expect(await steps(3000, 300)).toEqual([1000, 1000, 1000]);
    expect(sleep.mock.calls).toEqual([[100], [100]]);
  });

  it('end at once when there is no time', async () => {
    expect(await steps(3000, 0)).toEqual([3000]);
  });
});

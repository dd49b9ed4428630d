import { describe, expect, it } from 'vitest';
import { endInBatches } from '../../src/feed/drain.js';

/** How long each pause between two steps was to be. */
const pauses: number[] = [];

/** Ends this many feeds, and tells how many ended at which step. */
async function steps(count: number, spreadMs: number): Promise<number[]> {
  pauses.length = 0;
  const sizes: number[] = [];
  const finish = () => {
    sizes[pauses.length] = (sizes[pauses.length] ?? 0) + 1;
  };
  // What one step does may take several turns of the event loop.
  await endInBatches(Array(count).fill({ finish }), spreadMs, async (ms) => void pauses.push(ms));
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
    expect(pauses).toEqual([100, 100]);
  });

  it('end at once when there is no time', async () => {
    expect(await steps(3000, 0)).toEqual([3000]);
  });
});

import { describe, expect, it } from 'vitest';
import { DeliveryQueue, inBatches } from '../../src/feed/scheduler.js';

/** How long each pause between two batches was to be. */
const pauses: number[] = [];

/** Ends this many feeds, and tells how many ended at which batch. */
async function batches(count: number, spreadMs: number): Promise<number[]> {
  pauses.length = 0;
  const sizes: number[] = [];
  const end = () => {
    sizes[pauses.length] = (sizes[pauses.length] ?? 0) + 1;
  };
  // What one batch does may take several turns of the event loop.
  await inBatches(Array(count).fill(0), spreadMs, end, async (ms) => void pauses.push(ms));
  return sizes;
}

describe('inBatches', () => {
  it('Up to twenty feeds end at once', async () => {
    expect(await batches(0, 3000)).toEqual([]);
    expect(await batches(20, 3000)).toEqual([20]);
  });

  it('Fifty feeds end twenty at a time', async () => {
    expect(await batches(50, 3000)).toEqual([20, 20, 10]);
  });

  it('Thousands of feeds end in equal batches within the given time', async () => {
    expect(await batches(3000, 300)).toEqual([1000, 1000, 1000]);
    expect(pauses).toEqual([100, 100]);
  });

  it('Thousands of feeds end at once when there is no time', async () => {
    expect(await batches(3000, 0)).toEqual([3000]);
  });
});

describe('DeliveryQueue', () => {
  it('Deliveries take turns in their order, and those that wait are not called', async () => {
    const queue = new DeliveryQueue();
    const begun: number[] = [];
    let calls = 0;
    const deliveries = Array.from({ length: 3000 }, (_, index) => {
      let left = 3;
      return queue.run((turn) => {
        calls += 1;
        if (left === 3) begun.push(index);
        while (left > 0) {
          left -= 1;
          if (turn.isOver()) return left > 0;
        }
        return false;
      });
    });
    expect(begun.length).toBeLessThan(500);
    await Promise.all(deliveries);
    expect(begun).toEqual(deliveries.map((_, index) => index));
    // One more for each that a turn interrupted: those are few.
    expect(calls).toBeLessThan(2 * deliveries.length);
  });
});

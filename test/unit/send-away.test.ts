import { describe, expect, it } from 'vitest';
import { endInSteps } from '../../src/feed/send-away.js';
import type { Subscriber } from '../../src/feed/subscriber.js';

/** Ends this many feeds, and tells how many ended at which step. */
async function steps(count: number, spreadMs: number): Promise<number[]> {
  const sizes: number[] = [];
  let isStep = false;
  const finish = () => {
    if (!isStep) sizes.push(0);
    isStep = true;
    setImmediate(() => {
      isStep = false; // what ends after this turn of the event loop is another step
    });
    sizes[sizes.length - 1] = (sizes.at(-1) as number) + 1;
  };
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
  });

  it('end at once when there is no time', async () => {
    expect(await steps(3000, 0)).toEqual([3000]);
  });
});

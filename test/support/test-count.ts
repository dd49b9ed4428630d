import { beforeEach } from 'vitest';

/** Called while a suite is collected: returns the number of the test that runs, from 1 on. */
export function countTests(): () => number {
  let count = 0;
  beforeEach(() => {
    count += 1;
  });
  return () => count;
}

import { expect, it } from 'vitest';
import { RecentStreams } from '../../src/metrics/recent-streams.js';

const minute = 60_000;

it('What is asked for within five minutes is kept, and what is not is gone after ten', () => {
  const streams = new RecentStreams<number>();
  for (const key of ['asked', 'quiet']) streams.set(key, 1, 0);
  for (let now = 4 * minute; now < 60 * minute; now += 4 * minute) {
    expect(streams.get('asked', now)).toBe(1);
  }
  expect(streams.get('quiet', 60 * minute)).toBeUndefined();
  expect(streams.size).toBe(1);
});

it('After a long silence nothing is left', () => {
  const streams = new RecentStreams<number>();
  streams.set('one', 1, 0);
  expect(streams.get('one', 11 * minute)).toBeUndefined();
  expect(streams.size).toBe(0);
});

it('However many streams there are, no more than 100,000 are kept', () => {
  const streams = new RecentStreams<number>();
  for (let index = 0; index < 250_000; index += 1) streams.set(`s${index}`, index, 0);
  expect(streams.size).toBeLessThanOrEqual(100_000);
  expect(streams.get('s249999', 1)).toBe(249_999);
  expect(streams.get('s0', 1)).toBeUndefined();
});

it('What was taken out is gone', () => {
  const streams = new RecentStreams<number>();
  streams.set('one', 1, 0);
  streams.get('one', 6 * minute);
  streams.delete('one');
  expect(streams.get('one', 6 * minute)).toBeUndefined();
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoundedCache } from '../../src/bounded-cache.js';
import { runAtOnce } from '../../src/time-slices.js';

const minute = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('BoundedCache', () => {
  it('keeps values that are set again in time and drops expired ones when a value is set', () => {
    const cache = new BoundedCache<number>(100, 5 * minute);
    for (const key of ['renewed', 'quiet']) cache.set(key, 1);
    for (let minutes = 4; minutes < 60; minutes += 4) {
      vi.advanceTimersByTime(4 * minute);
      expect(cache.get('renewed')).toBe(1);
      cache.set('renewed', 1);
    }
    expect(cache.size).toBe(1);
    expect(cache.get('quiet')).toBeUndefined();
  });

  it('does not renew a value when it is read', () => {
    const cache = new BoundedCache<number>(100, 5 * minute);
    cache.set('asked', 1);
    vi.advanceTimersByTime(4 * minute);
    expect(cache.get('asked')).toBe(1);
    vi.advanceTimersByTime(minute);
    expect(cache.get('asked')).toBeUndefined();
  });

  it('holds no more than its maximum, and in each round finds that many even of more keys', () => {
    const cache = new BoundedCache<number>(1000, 5 * minute);
    const missesInTurn = (count: number) => {
      let misses = 0;
      for (let index = 0; index < count; index += 1) {
        if (cache.get(`s${index}`) !== undefined) continue;
        misses += 1;
        cache.set(`s${index}`, index);
      }
      return misses;
    };
    expect(missesInTurn(1050)).toBe(1050);
    for (let turn = 0; turn < 5; turn += 1) expect(missesInTurn(1050)).toBe(50);
    expect(missesInTurn(2000)).toBe(1000);
    expect(cache.size).toBe(1000);
  });

  it('accepts new values again when one was deleted or has expired', () => {
    const cache = new BoundedCache<number>(2, minute);
    for (const key of ['one', 'two', 'three']) cache.set(key, 1);
    expect(cache.get('three')).toBeUndefined();
    cache.delete('one');
    cache.set('three', 1);
    expect(cache.get('three')).toBe(1);
    vi.advanceTimersByTime(minute);
    cache.set('four', 1);
    expect(cache.get('four')).toBe(1);
    expect(cache.size).toBe(1);
  });

  it('without a time to live keeps values until they are deleted, and finds keys by their values', () => {
    const cache = new BoundedCache<number>(2, 0);
    for (const key of ['one', 'two', 'three']) cache.set(key, 1);
    vi.advanceTimersByTime(1000 * minute);
    cache.set('two', 2);
    expect(runAtOnce(cache.keysWhere((value) => value > 0))).toEqual(['one', 'two']);
    expect(runAtOnce(cache.keysWhere((value) => value === 2))).toEqual(['two']);
  });
});

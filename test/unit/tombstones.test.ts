import { describe, expect, it, onTestFinished } from 'vitest';
import { Tombstones } from '../../src/store/memory/tombstones.js';
import { waitFor } from '../support/wait-for.js';

function tombstonesOf(most: number, keptMs?: number): Tombstones {
  const tombstones = new Tombstones(most, keptMs);
  onTestFinished(() => tombstones.clear());
  return tombstones;
}

const none = new Map();

describe('Tombstones of deleted streams', () => {
  it('last for a minute', () => {
    const tombstones = tombstonesOf(10);
    tombstones.add('one', none, 1000);
    expect(tombstones.has('one', 60_999)).toBe(true);
    expect(tombstones.has('one', 61_000)).toBe(false);
  });

  it('expire without a request', async () => {
    const tombstones = tombstonesOf(10, 50);
    tombstones.add('one', none, Date.now());
    tombstones.add('two', none, Date.now() + 20);
    await waitFor('they are gone', () => tombstones.size === 0);
    tombstones.add('three', none, Date.now());
    await waitFor('that one too', () => tombstones.size === 0);
  });

  it('are limited in number, and the oldest make room', () => {
    const tombstones = tombstonesOf(2);
    for (const key of ['one', 'two', 'one', 'three']) tombstones.add(key, none, 0);
    expect(['one', 'two', 'three'].map((key) => tombstones.has(key, 1))).toEqual([
      true,
      false,
      true,
    ]);
  });
});

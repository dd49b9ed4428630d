import { describe, expect, it } from 'vitest';
import { type StreamId, streamKey } from '../../src/store/stream-manager.js';
import { Watchers } from '../../src/store/watchers.js';
import { newStream } from '../support/events.js';

describe('Watchers', () => {
  it.each([1, 2, 3])('calls its hooks once for %i watches of one stream', (count) => {
    const told: [string, StreamId][] = [];
    const watchers = new Watchers({
      onFirst: (stream) => told.push(['first', stream]),
      onLast: (stream) => told.push(['last', stream]),
    });
    const stream = newStream();
    let wakes = 0;
    const onChange = () => {
      wakes += 1;
    };
    const ends = Array.from({ length: count }, () => watchers.add(stream, onChange));
    for (let left = count; left > 0; left -= 1) {
      expect(told).toEqual([['first', stream]]);
      expect(watchers.size).toBe(1);
      wakes = 0;
      watchers.notify(streamKey(stream));
      expect(wakes).toBe(left);
      ends[left - 1]?.();
      ends[left - 1]?.();
    }
    watchers.notify(streamKey(stream));
    expect(wakes).toBe(1);
    expect(watchers.size).toBe(0);
    expect(told).toEqual([
      ['first', stream],
      ['last', stream],
    ]);
    watchers.add(stream, onChange);
    expect(told).toHaveLength(3);
  });

  it('calls all watches though one throws, and reports the failure', () => {
    const failures: unknown[] = [];
    const watchers = new Watchers({ onFailure: (error) => failures.push(error) });
    const stream = newStream();
    const notified: number[] = [];
    const broken = new TypeError('broken');
    for (const index of [0, 1, 2]) {
      watchers.add(stream, () => {
        notified.push(index);
        if (index === 1) throw broken;
      });
    }
    watchers.notify(streamKey(stream));
    expect(notified).toEqual([0, 1, 2]);
    expect(failures).toEqual([broken]);
  });

  it('lets watches end each other while they are notified', () => {
    const watchers = new Watchers();
    const stream = newStream();
    const notified: number[] = [];
    const ends = [0, 1, 2].map((index) =>
      watchers.add(stream, () => {
        notified.push(index);
        if (index === 0) ends[1]?.();
      }),
    );
    watchers.notify(streamKey(stream));
    expect(notified).toEqual([0, 2]);
    for (const end of ends) end();
    expect(watchers.size).toBe(0);
  });
});

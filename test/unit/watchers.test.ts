import { describe, expect, it } from 'vitest';
import { type StreamId, streamKey } from '../../src/store/stream-id.js';
import { Watchers } from '../../src/store/watchers.js';
import { newStream } from '../support/events.js';

describe('the watches of a process', () => {
  it.each([1, 2, 3])('of one stream, %i in number, begin and end as one', (count) => {
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
      watchers.wake(streamKey(stream));
      expect(wakes).toBe(left);
      ends[left - 1]?.();
      ends[left - 1]?.();
    }
    watchers.wake(streamKey(stream));
    expect(wakes).toBe(1);
    expect(watchers.size).toBe(0);
    expect(told).toEqual([
      ['first', stream],
      ['last', stream],
    ]);
    watchers.add(stream, onChange);
    expect(told).toHaveLength(3);
  });

  it('are all called though one throws, and the failure is told', () => {
    const failures: unknown[] = [];
    const watchers = new Watchers({ onFailure: (error) => failures.push(error) });
    const stream = newStream();
    const woken: number[] = [];
    const broken = new TypeError('broken');
    for (const index of [0, 1, 2]) {
      watchers.add(stream, () => {
        woken.push(index);
        if (index === 1) throw broken;
      });
    }
    watchers.wake(streamKey(stream));
    expect(woken).toEqual([0, 1, 2]);
    expect(failures).toEqual([broken]);
  });

  it('may end each other when they are woken', () => {
    const watchers = new Watchers();
    const stream = newStream();
    const woken: number[] = [];
    const ends = [0, 1, 2].map((index) =>
      watchers.add(stream, () => {
        woken.push(index);
        if (index === 0) ends[1]?.();
      }),
    );
    watchers.wakeAll();
    expect(woken).toEqual([0, 2]);
    for (const end of ends) end();
    expect(watchers.size).toBe(0);
  });
});

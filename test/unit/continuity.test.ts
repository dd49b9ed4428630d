import { describe, expect, it } from 'vitest';
import { Continuity, leaseCheckMs } from '../../src/store/lease-rules.js';

/** Notes a response at each of these times. */
function notedAt(...times: number[]): Continuity {
  const continuity = new Continuity();
  for (const time of times) continuity.note(time);
  return continuity;
}

describe('The time since when a store has been reachable', () => {
  it('is never before the first response', () => {
    expect(notedAt().since).toBe(Number.POSITIVE_INFINITY);
    expect(notedAt(5000).since).toBe(5000);
  });

  it('stays while responses arrive at the interval of the checks, or a little late', () => {
    expect(notedAt(5000, 6000, 7000, 8000).since).toBe(5000);
    expect(notedAt(5000, 6900, 8800, 10_700).since).toBe(5000);
    expect(notedAt(5000, 5000, 5001).since).toBe(5000);
  });

  it('restarts with the first response after a missing one', () => {
    const oneMissed = 5000 + 2 * leaseCheckMs + 1;
    expect(notedAt(5000, oneMissed).since).toBe(oneMissed);
    expect(notedAt(5000, 6000, 60_000, 61_000).since).toBe(60_000);
  });

  it('restarts when the clock was set back, so that it is no later than the clock', () => {
    expect(notedAt(50_000, 51_000, 1000, 2000).since).toBe(1000);
    expect(notedAt(5000, 6000, 5999).since).toBe(5000);
  });

  it('restarts with the first response after a known disconnection, however short', () => {
    const continuity = notedAt(5000, 6000);
    continuity.noteBreak();
    expect(continuity.since).toBe(5000);
    continuity.note(6001);
    expect(continuity.since).toBe(6001);
    continuity.note(7001);
    expect(continuity.since).toBe(6001);
  });
});

import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { TimerWheel, WheelTask } from '../../src/feed/timer-wheel.js';

/** Tells when it was polled. */
class Reader extends WheelTask {
  readonly polls: number[] = [];

  poll(): void {
    this.polls.push(performance.now());
  }
}

function wheelOf(intervalMs: number, count: number) {
  const wheel = new TimerWheel(intervalMs);
  const readers = Array.from({ length: count }, () => new Reader());
  onTestFinished(() => {
    for (const reader of readers) wheel.remove(reader);
  });
  return { wheel, readers };
}

describe('TimerWheel', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([10, 60, 400])(
    'A timer wheel polls its tasks again and again, once in %i ms',
    (intervalMs) => {
      const { wheel, readers } = wheelOf(intervalMs, 3);
      const startedAt = performance.now();
      for (const reader of readers) wheel.postpone(reader);
      vi.advanceTimersByTime(4 * intervalMs);
      for (const { polls } of readers) {
        const fourth = (polls[3] as number) - startedAt;
        expect(fourth).toBeLessThanOrEqual(4 * intervalMs);
        expect(fourth).toBeGreaterThanOrEqual(2 * intervalMs);
      }
    },
  );

  it('A task that is postponed all the time is not polled', () => {
    const { wheel, readers } = wheelOf(400, 2);
    const [busy, idle] = readers as [Reader, Reader];
    wheel.postpone(idle);
    while (idle.polls.length < 2) {
      wheel.postpone(busy);
      vi.advanceTimersByTime(5);
    }
    expect(busy.polls).toEqual([]);
  });

  it('Tasks that were postponed together are polled apart, in time', () => {
    const { wheel, readers } = wheelOf(100, 200);
    for (const reader of readers) wheel.postpone(reader);
    vi.advanceTimersByTime(1000);
    const tenth = readers.map(({ polls }) => polls[9] as number);
    expect(Math.max(...tenth) - Math.min(...tenth)).toBeGreaterThan(10);
  });

  it('A task that was removed is not polled, and its wheel can be used again', () => {
    const { wheel, readers } = wheelOf(20, 2);
    const [gone, other] = readers as [Reader, Reader];
    wheel.postpone(gone);
    wheel.remove(gone);
    wheel.remove(gone);
    wheel.postpone(other);
    vi.advanceTimersByTime(60);
    expect(other.polls.length).toBeGreaterThanOrEqual(3);
    expect(gone.polls).toEqual([]);
  });
});

import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { PollTask, PollTimer } from '../../src/feed/poll-timer.js';

/** Tells when it was polled. */
class Reader extends PollTask {
  readonly polls: number[] = [];

  poll(): void {
    this.polls.push(performance.now());
  }
}

function timerOf(intervalMs: number, count: number) {
  const timer = new PollTimer(intervalMs);
  const readers = Array.from({ length: count }, () => new Reader());
  onTestFinished(() => {
    for (const reader of readers) timer.remove(reader);
  });
  return { timer, readers };
}

describe('PollTimer', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([10, 60, 400])(
    'A poll timer polls its tasks again and again, once in %i ms',
    (intervalMs) => {
      const { timer, readers } = timerOf(intervalMs, 3);
      const startedAt = performance.now();
      for (const reader of readers) timer.postpone(reader);
      vi.advanceTimersByTime(4 * intervalMs);
      for (const { polls } of readers) {
        const fourth = (polls[3] as number) - startedAt;
        expect(fourth).toBeLessThanOrEqual(4 * intervalMs);
        expect(fourth).toBeGreaterThanOrEqual(2 * intervalMs);
      }
    },
  );

  it('A task that is postponed all the time is not polled', () => {
    const { timer, readers } = timerOf(400, 2);
    const [busy, idle] = readers as [Reader, Reader];
    timer.postpone(idle);
    while (idle.polls.length < 2) {
      timer.postpone(busy);
      vi.advanceTimersByTime(5);
    }
    expect(busy.polls).toEqual([]);
  });

  it('Tasks that were postponed together are polled apart, in time', () => {
    const { timer, readers } = timerOf(100, 200);
    for (const reader of readers) timer.postpone(reader);
    vi.advanceTimersByTime(1000);
    const tenth = readers.map(({ polls }) => polls[9] as number);
    expect(Math.max(...tenth) - Math.min(...tenth)).toBeGreaterThan(10);
  });

  it('A task that was removed is not polled, and its timer can be used again', () => {
    const { timer, readers } = timerOf(20, 2);
    const [gone, other] = readers as [Reader, Reader];
    timer.postpone(gone);
    timer.remove(gone);
    timer.remove(gone);
    timer.postpone(other);
    vi.advanceTimersByTime(60);
    expect(other.polls.length).toBeGreaterThanOrEqual(3);
    expect(gone.polls).toEqual([]);
  });
});

import { describe, expect, it, onTestFinished } from 'vitest';
import { Polled, PollWheel } from '../../src/feed/poll-wheel.js';
import { waitFor } from '../support/wait-for.js';

/** Tells when it was polled. */
class Reader extends Polled {
  readonly polls: number[] = [];

  poll(): void {
    this.polls.push(performance.now());
  }
}

function wheelOf(intervalMs: number, count: number) {
  const wheel = new PollWheel(intervalMs);
  const readers = Array.from({ length: count }, () => new Reader());
  onTestFinished(() => {
    for (const reader of readers) wheel.remove(reader);
  });
  return { wheel, readers };
}

/** How far behind its time this process may be. */
const toleranceMs = 100;

describe('a poll wheel', () => {
  it.each([10, 60, 400])('polls again and again, once in %i ms', async (intervalMs) => {
    const { wheel, readers } = wheelOf(intervalMs, 3);
    const startedAt = performance.now();
    for (const reader of readers) wheel.putOff(reader);
    await waitFor('four polls', () => readers.every(({ polls }) => polls.length >= 4));
    for (const { polls } of readers) {
      const fourth = (polls[3] as number) - startedAt;
      expect(fourth).toBeLessThanOrEqual(4 * intervalMs + toleranceMs);
      expect(fourth).toBeGreaterThanOrEqual(intervalMs);
    }
  });

  it('does not poll who is put off all the time', async () => {
    const { wheel, readers } = wheelOf(400, 2);
    const [busy, idle] = readers as [Reader, Reader];
    wheel.putOff(idle);
    await waitFor('two polls', () => {
      wheel.putOff(busy);
      return idle.polls.length === 2;
    });
    expect(busy.polls).toEqual([]);
  });

  it('polls those apart, in time, that were put off together', async () => {
    const { wheel, readers } = wheelOf(100, 200);
    for (const reader of readers) wheel.putOff(reader);
    await waitFor('ten polls', () => readers.every(({ polls }) => polls.length >= 10));
    const tenth = readers.map(({ polls }) => polls[9] as number);
    expect(Math.max(...tenth) - Math.min(...tenth)).toBeGreaterThan(10);
  });

  it('does not poll who was removed, and can be used again', async () => {
    const { wheel, readers } = wheelOf(20, 2);
    const [gone, other] = readers as [Reader, Reader];
    wheel.putOff(gone);
    wheel.remove(gone);
    wheel.remove(gone);
    wheel.putOff(other);
    await waitFor('three polls', () => other.polls.length === 3);
    expect(gone.polls).toEqual([]);
  });
});

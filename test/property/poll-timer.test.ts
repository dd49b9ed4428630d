import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PollTask, PollTimer } from '../../src/feed/poll-timer.js';

const intervalMs = 100;
/** As the timer divides such an interval. */
const turnMs = 5;

class Reader extends PollTask {
  /** When it was put off or polled last; null while it is not on the timer. */
  since: number | null = null;
  onPoll = () => {};

  override poll(): void {
    this.onPoll();
  }
}

const readerCount = 4;
const steps = fc.array(
  fc.record({
    what: fc.constantFrom('put_off', 'put_off', 'put_off', 'remove', 'rest'),
    index: fc.nat(readerCount - 1),
    /** Whether the reader that is polled next takes this one off the timer. */
    isRemovedByPoll: fc.boolean(),
    passMs: fc.nat(60),
  }),
  { maxLength: 60 },
);

describe('PollTimer', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('A task is polled an interval after it was postponed last, and hardly earlier', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const timer = new PollTimer(intervalMs);
        const readers = Array.from({ length: readerCount }, () => new Reader());
        const remove = (reader: Reader) => {
          timer.remove(reader);
          reader.since = null;
        };
        for (const reader of readers) {
          reader.onPoll = () => {
            expect(reader.since).not.toBeNull();
            const waitedMs = performance.now() - (reader.since as number);
            expect(waitedMs).toBeGreaterThanOrEqual(intervalMs - 2 * turnMs);
            expect(waitedMs).toBeLessThanOrEqual(intervalMs);
            reader.since = performance.now();
          };
        }
        for (const { what, index, isRemovedByPoll, passMs } of script) {
          const reader = readers[index] as Reader;
          if (what === 'remove') remove(reader);
          if (what === 'put_off') {
            timer.postpone(reader);
            reader.since = performance.now();
          }
          if (isRemovedByPoll) removeWithPollOf(readers[(index + 1) % readerCount], reader, remove);
          vi.advanceTimersByTime(passMs);
          for (const { since } of readers) {
            if (since !== null) expect(performance.now() - since).toBeLessThanOrEqual(intervalMs);
          }
        }
        for (const reader of readers) remove(reader);
        expect(vi.getTimerCount()).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

function removeWithPollOf(
  polled: Reader | undefined,
  other: Reader,
  remove: (reader: Reader) => void,
): void {
  if (polled === undefined) return;
  const { onPoll } = polled;
  polled.onPoll = () => {
    polled.onPoll = onPoll;
    onPoll();
    remove(other);
  };
}

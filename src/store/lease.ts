import { randomUUID } from 'node:crypto';
import { decodeStoredEvent, type StoredEvent } from '../events/stored-event.js';

/** How often a store looks for leases that have run out. */
export const leaseCheckMs = 1000;

/**
 * How long after a look streams are ended by it, those that still have had no sign of life. After
 * a pause of the process, or of the store, the look may have overtaken signs that were held up too.
 */
export const overtakenMs = 300;

/** More than passes, beside a full lease, until a stream is ended whose lease has run out. */
export const endsWithinMs = 5000;

/**
 * For how long a leased stream lives on after a heartbeat at least, however short its time to live.
 * Within it, its readers see how it ends: after a break, a lease gets its full time once more.
 */
export function leasedForMs(leaseMs: number): number {
  return 2 * leaseMs + endsWithinMs;
}

/** A check that comes this late says that something was away: the process, or the store. */
const longestGapMs = leaseCheckMs + 1000;

/**
 * Since when the store has been reachable without a break. A worker could not renew its lease in a
 * break, so no lease ends before one full lease has passed since. Times are milliseconds by the
 * clock that leases are kept by.
 */
export class Continuity {
  #since = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  get since(): number {
    return this.#since;
  }

  /** Notes that the store answered at this time. A clock that was set back counts for a break. */
  note(now: number): void {
    if (Math.abs(now - this.#last) > longestGapMs) this.#since = now;
    this.#last = now;
  }

  /** Notes that there was a break before the next answer, however short. */
  noteBreak(): void {
    this.#last = Number.NEGATIVE_INFINITY;
  }
}

/** The event that ends a stream whose lease has run out. */
export function producerLost(): StoredEvent {
  const event = {
    id: `auto-${randomUUID()}`,
    type: 'error',
    content: '',
    done: true,
    timestamp: new Date().toISOString(),
    data: { code: 'producer_lost' },
  };
  return decodeStoredEvent(Buffer.from(JSON.stringify(event)));
}

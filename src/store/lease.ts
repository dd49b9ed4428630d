import { randomUUID } from 'node:crypto';
import { decodeStoredEvent, type StoredEvent } from '../events/stored-event.js';

/** How often a store checks for expired leases. */
export const leaseCheckMs = 1000;

/**
 * How long after a check found an expired lease its stream is ended, unless a heartbeat has come
 * meanwhile: after a pause of the process, or of the store, the check may have overtaken heartbeats
 * that were held up too.
 */
export const overtakenMs = 300;

/** An expired lease has ended its stream within this time, and one full lease more. */
export const endsWithinMs = 5000;

/**
 * How long a leased stream lives after a heartbeat at least, however short its time to live. Within
 * it, its readers see how it ends: after a break, a lease gets its full time once more.
 */
export function leasedForMs(leaseMs: number): number {
  return 2 * leaseMs + endsWithinMs;
}

/** When two checks are further apart, there was a break of the process or of the store. */
const maxGapMs = leaseCheckMs + 1000;

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
    if (Math.abs(now - this.#last) > maxGapMs) this.#since = now;
    this.#last = now;
  }

  /** Notes that there was a break before the next answer, however short. */
  noteBreak(): void {
    this.#last = Number.NEGATIVE_INFINITY;
  }
}

/** The event that ends a stream whose lease has expired. */
export function leaseExpiredEvent(): StoredEvent {
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

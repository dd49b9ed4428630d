import { randomUUID } from 'node:crypto';
import { decodeStoredEvent, type StoredEvent } from '../events/event.js';

/** How often a store checks for expired leases. */
export const leaseCheckMs = 1000;

/**
 * Delay between the check that finds an expired lease and the end of its stream, unless a heartbeat
 * arrives meanwhile: after a pause of the process or the store, the check may have overtaken heartbeats
 * that were delayed as well.
 */
export const overtakenMs = 300;

/** Max time from the expiry of a lease to the end of its stream, plus one full lease after a break. */
export const endsWithinMs = 5000;

/**
 * Min time that a leased stream lives after a heartbeat, however short its time to live. It is long
 * enough for the lease to expire and readers to see the end, even after a break, when a lease gets its
 * full time once more.
 */
export function leasedForMs(leaseMs: number): number {
  return 2 * leaseMs + endsWithinMs;
}

/** A longer gap between two checks means that the process or the store had a break. */
const maxGapMs = leaseCheckMs + 1000;

/**
 * Tracks since when the store has been reachable without a break. A worker cannot renew its lease in a
 * break, so no lease expires before one full lease has passed since. Times are milliseconds of the
 * clock of the leases.
 */
export class Continuity {
  #since = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  get since(): number {
    return this.#since;
  }

  /** Records a reply of the store at this time. A clock that was set back counts as a break. */
  note(now: number): void {
    if (Math.abs(now - this.#last) > maxGapMs) this.#since = now;
    this.#last = now;
  }

  /** Records a break before the next reply, however short. */
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

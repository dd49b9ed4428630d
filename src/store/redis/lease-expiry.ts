import type { BaseLogger } from 'pino';
import { leaseExpiredEvent } from '../lease.js';
import type { StreamId } from '../stream-id.js';
import { nullIfWrongType } from './connection/redis-errors.js';
import type { NextCheck } from './leases.js';
import type { RedisCalls } from './redis-calls.js';
import { redisKeys } from './redis-keys.js';

export interface LeaseExpiryOptions {
  readonly calls: RedisCalls;
  readonly prefix: string;
  readonly ttlMs: number;
  readonly logger: BaseLogger;
}

/** Ends streams whose lease has expired, and counts them. */
export class LeaseExpiry {
  #count = 0;

  constructor(readonly options: LeaseExpiryOptions) {}

  /** Number of streams that this process has ended. */
  get count(): number {
    return this.#count;
  }

  /** @returns when to check again; all times are those of the clock of Redis */
  async expire(id: StreamId, since: number, checkedAt: number): Promise<NextCheck> {
    const { calls, prefix, ttlMs } = this.options;
    const { list, state, channel } = redisKeys(prefix, id);
    const args = [channel, since, checkedAt, leaseExpiredEvent().bytes];
    const reply = await calls.runScript(list, (scanned) =>
      calls.client
        .expireLeaseBuffer(list, state, ttlMs, ...scanned, ...args)
        .catch(nullIfWrongType),
    );
    if (reply === null) return null;
    const [outcome, next] = reply;
    if (outcome.toString() === 'expired') this.#note(id);
    return outcome.toString() === 'later' ? (next as number) : null;
  }

  #note(id: StreamId): void {
    this.#count += 1;
    this.options.logger.info({ ...id }, 'A lease has expired');
  }
}

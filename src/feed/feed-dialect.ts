import { Chunk } from '../sse/chunk.js';
import { encodeFrame } from '../sse/frame.js';
import { formatPosition } from '../streams/position.js';
import type { EncodedPage } from './encoded-page.js';
import type { FeedEnd } from './feed-end.js';
import type { ResetReason } from './feed-observer.js';
import { encodeFarewell, retryMs } from './retry.js';

/** How a feed speaks to its client. One that remembers what it has said serves a single feed. */
export interface FeedDialect {
  /** The first bytes. */
  readonly preamble: Buffer;
  /** Whether all has been said, although the stream may still go on: then the feed ends. */
  readonly isOver: boolean;
  /** Whether many events in one page are worth another read, where they were read one by one. */
  readonly prefersLongPages: boolean;
  /** The events of a page that is not empty, each page once and in order; null for no bytes. */
  encode(page: EncodedPage): Chunk | null;
  /** The last bytes, if there are any. */
  farewell(end: FeedEnd): Chunk | null;
  /** Whether the client has nothing to come back for: if not, the response does not end complete. */
  isComplete(end: FeedEnd): boolean;
  /** That the stream is another one, or absent; null when the feed has to end. */
  reset(reason: ResetReason, isAbsent: boolean): Chunk | null;
}

/**
 * What a client comes back with that was told of a reset while the stream did not exist. It means
 * position 0, and tells the client apart from one that never saw the stream.
 */
export const resetOnAbsentId = '0-00000000';

/** Ends after which the client is told when to come back. */
const comesBack: ReadonlySet<FeedEnd> = new Set(['max_age', 'token_expired', 'draining']);

/** The service's own: events as they are stored. */
export class NativeDialect implements FeedDialect {
  readonly preamble = Buffer.from(`retry: ${retryMs}\n: connected\n`);
  readonly isOver = false;
  readonly prefersLongPages: boolean = false;

  /** @param isNamed whether frames carry the event's type as their name */
  constructor(readonly isNamed: boolean) {}

  encode(page: EncodedPage): Chunk | null {
    return page.frames(this.isNamed);
  }

  farewell(end: FeedEnd): Chunk | null {
    return comesBack.has(end) ? Chunk.of(encodeFarewell()) : null;
  }

  isComplete(end: FeedEnd): boolean {
    return end === 'ended' || end === 'absent';
  }

  reset(reason: ResetReason, isAbsent: boolean): Chunk | null {
    const id = isAbsent ? resetOnAbsentId : formatPosition(0, 0);
    const data = Buffer.from(JSON.stringify({ reason, offset: 0 }));
    return Chunk.of(encodeFrame({ id, event: 'reset', data }));
  }
}

export const plainDialect: FeedDialect = new NativeDialect(false);
export const namedDialect: FeedDialect = new NativeDialect(true);

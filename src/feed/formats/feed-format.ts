import { formatPosition, type Position } from '../../events/position.js';
import { Chunk } from '../../sse/chunk.js';
import { encodeComment, encodeFrame, encodeId, encodeRetry } from '../../sse/frame.js';
import type { EncodedPage } from '../encoded-page.js';
import type { FeedEnd, ResetReason } from '../feed-observer.js';

/** What a feed writes to its client. A format that remembers what it has written serves a single feed. */
export interface FeedFormat {
  /** The first bytes. */
  readonly preamble: Buffer;
  /** What is sent in a silence, so that a connection that is dead shows. */
  readonly heartbeat: Chunk | null;
  /** Whether nothing more is to be written, although the stream may go on: then the feed ends. */
  readonly isOver: boolean;
  /** Whether many events in one page are worth another read, where they were read one by one. */
  readonly prefersLongPages: boolean;
  /** The events of a page that is not empty, each page once and in order; null for no bytes. */
  encode(page: EncodedPage): Chunk | null;
  /** That there was no stream when the feed opened at its start, if the client wants to know. */
  notFound(): Chunk | null;
  /** That all there is has been sent, and what follows is new, if the client wants to know. */
  upToDate(position: Position): Chunk | null;
  /** The last bytes, if there are any. */
  farewell(end: FeedEnd): Chunk | null;
  /** Whether the client has nothing to come back for: if not, the response does not end complete. */
  isComplete(end: FeedEnd): boolean;
  /** That the stream is another one, or absent; null when the feed has to end. */
  reset(reason: ResetReason, isAbsent: boolean): Chunk | null;
}

/**
 * What a client comes back with that was told that the stream does not exist. It means position 0,
 * and tells the client apart from one that has not asked yet.
 */
export const absentId = '0-00000000';

/** How long clients wait before they come back. */
const retryMs = 2000;

/** By how much of it the wait of clients differs that are sent on together. */
const retryJitter = 0.5;

/** Ends after which the client is told when to come back. */
const comesBack: ReadonlySet<FeedEnd> = new Set(['max_age', 'token_expired', 'draining']);

/** Ends after which there is nothing to come back for. */
const isComplete: ReadonlySet<FeedEnd> = new Set(['ended', 'absent', 'not_started']);

/** What a feed of the service's own may look like. */
export interface NativeOptions {
  /** Whether frames carry the event's type as their name. */
  readonly isNamed?: boolean | undefined;
  /**
   * Set where the state of the feed is told in events, which a page sees, and not in comments: the
   * interval of the heartbeat, which the first bytes tell too, so that the page knows it in time.
   */
  readonly controlHeartbeatMs?: number | null;
}

export const heartbeat = Chunk.of(encodeComment('heartbeat'));

/** Events without an id: none of them moves the place to go on from. */
const notFoundEvent = Chunk.of(encodeControl('not-found', {}));

const preamble = Buffer.from(`retry: ${retryMs}\n: connected\n`);

/** The service's own: events as they are stored. */
export class NativeFormat implements FeedFormat {
  readonly preamble: Buffer;
  readonly heartbeat: Chunk | null;
  readonly isOver = false;
  readonly prefersLongPages: boolean = false;
  readonly isNamed: boolean;
  readonly hasControl: boolean;

  constructor({ isNamed = false, controlHeartbeatMs = null }: NativeOptions = {}) {
    this.isNamed = isNamed;
    this.hasControl = controlHeartbeatMs !== null;
    if (controlHeartbeatMs === null) {
      this.heartbeat = heartbeat;
      this.preamble = preamble;
      return;
    }
    const event = encodeControl('heartbeat', { intervalMs: controlHeartbeatMs });
    this.heartbeat = Chunk.of(event);
    this.preamble = Buffer.concat([preamble, event]);
  }

  encode(page: EncodedPage): Chunk | null {
    return page.frames(this.isNamed);
  }

  notFound(): Chunk | null {
    return this.hasControl ? notFoundEvent : null;
  }

  upToDate({ offset }: Position): Chunk | null {
    return this.hasControl ? Chunk.of(encodeControl('up-to-date', { offset })) : null;
  }

  farewell(end: FeedEnd): Chunk | null {
    if (end === 'not_started') return Chunk.of(encodeId(absentId));
    return comesBack.has(end) ? Chunk.of(encodeRetry(jitter(retryMs, retryJitter))) : null;
  }

  isComplete(end: FeedEnd): boolean {
    return isComplete.has(end);
  }

  reset(reason: ResetReason, isAbsent: boolean): Chunk | null {
    const id = isAbsent ? absentId : formatPosition(0, 0);
    const data = Buffer.from(JSON.stringify({ reason, offset: 0 }));
    return Chunk.of(encodeFrame({ id, event: 'reset', data }));
  }
}

function encodeControl(event: string, data: object): Buffer {
  return encodeFrame({ event, data: Buffer.from(JSON.stringify(data)) });
}

export const plainFormat: FeedFormat = new NativeFormat();

/** The value, more or less a random part of it, so that what began together ends apart. */
export function jitter(value: number, share: number): number {
  return Math.round(value * (1 + share * (2 * Math.random() - 1)));
}

import { formatPosition, type Position } from '../../events/position.js';
import {
  Chunk,
  encodeComment,
  encodeFrame,
  encodeFrames,
  encodeId,
  encodeRetry,
} from '../../sse/frame.js';
import type { FeedEnd, ResetReason } from '../feed-observer.js';
import type { EncodedPage } from '../pages.js';
import { foldEvents } from './fold-events.js';

/** The format of a feed. A format with state serves a single feed. */
export interface FeedFormat {
  /** The first bytes of the feed. */
  readonly preamble: Buffer;
  /** Sent when the feed is silent, so that a dead connection is detected. */
  readonly heartbeat: Chunk | null;
  /** Whether the feed ends, although the stream may continue. */
  readonly isOver: boolean;
  /** Whether to read events again in one page that were read one by one. */
  readonly prefersLongPages: boolean;
  /** Encodes the events of a page that is not empty. Called once for each page, in order; null for no bytes. */
  encode(page: EncodedPage): Chunk | null;
  /** Reports that there was no stream when the feed opened at its start, if the client asked for it. */
  notFound(): Chunk | null;
  /** Reports that the client has all stored events, and later ones are new, if the client asked for it. */
  upToDate(position: Position): Chunk | null;
  /** The last bytes of the feed, if any. */
  farewell(end: FeedEnd): Chunk | null;
  /** Whether the client need not reconnect; otherwise the response ends as incomplete. */
  isComplete(end: FeedEnd): boolean;
  /** Reports that the stream is another one, or absent; null when the feed has to end. */
  reset(reason: ResetReason, isAbsent: boolean): Chunk | null;
}

/**
 * The id of a client that was told that the stream does not exist. It means position 0, and distinguishes
 * the client from one that asks for the first time.
 */
export const absentId = '0-00000000';

/** How long clients wait before they reconnect. */
const retryMs = 2000;

/** Jitter of this wait, as a share, for clients whose feeds end together. */
const retryJitter = 0.5;

/** Ends after which the client is told when to reconnect. */
const comesBack: ReadonlySet<FeedEnd> = new Set(['max_age', 'token_expired', 'draining']);

/** Ends after which the client need not reconnect. */
const isComplete: ReadonlySet<FeedEnd> = new Set(['ended', 'absent', 'not_started']);

/** The options of the native format. */
export interface NativeOptions {
  /** Whether frames have the type of their event as their name. */
  readonly isNamed?: boolean | undefined;
  /**
   * Set if the feed reports its state in events, which a page can read, and not in comments: the interval
   * of the heartbeat. The first bytes report it too, so that the page knows it in time.
   */
  readonly controlHeartbeatMs?: number | null;
}

export const heartbeat = Chunk.of(encodeComment('heartbeat'));

/** Events without an id, which leave the last id of the client unchanged. */
const notFoundEvent = encodeControl('not-found', {});

const preamble = Buffer.from(`retry: ${retryMs}\n: connected\n`);

/** The native format: events as stored. */
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
    this.heartbeat = encodeControl('heartbeat', { intervalMs: controlHeartbeatMs });
    this.preamble = Buffer.concat([preamble, this.heartbeat.bytes]);
  }

  encode(page: EncodedPage): Chunk | null {
    return page.frames(this.isNamed);
  }

  notFound(): Chunk | null {
    return this.hasControl ? notFoundEvent : null;
  }

  upToDate({ offset }: Position): Chunk | null {
    return this.hasControl ? encodeControl('up-to-date', { offset }) : null;
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
    return encodeFrame({ id, event: 'reset', data });
  }
}

/** The native format, with each run of chunks in one frame. All feeds share the bytes of a page. */
export class CompactFormat extends NativeFormat {
  override readonly prefersLongPages = true;
  readonly #framesOf = new WeakMap<EncodedPage, Chunk | null>();

  /** @param maxEventBytes max size of a folded event */
  constructor(
    options: NativeOptions,
    readonly maxEventBytes: number,
  ) {
    super(options);
  }

  override encode(page: EncodedPage): Chunk | null {
    const known = this.#framesOf.get(page);
    if (known !== undefined) return known;
    const frames = this.#fold(page);
    this.#framesOf.set(page, frames);
    return frames;
  }

  #fold(page: EncodedPage): Chunk | null {
    if (page.events.length === 1) return page.frames(this.isNamed);
    const folded = foldEvents(page.events, this.maxEventBytes);
    if (folded.length === page.events.length) return page.frames(this.isNamed);
    const frames = folded.map(({ event, lastIndex }) =>
      page.frameOf(event, lastIndex, this.isNamed),
    );
    return encodeFrames(frames);
  }
}

function encodeControl(event: string, data: object): Chunk {
  return encodeFrame({ event, data: Buffer.from(JSON.stringify(data)) });
}

export const plainFormat: FeedFormat = new NativeFormat();

/** The value plus or minus a random share of it, so that feeds that began together end apart. */
export function jitter(value: number, share: number): number {
  return Math.round(value * (1 + share * (2 * Math.random() - 1)));
}

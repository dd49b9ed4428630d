import { ServiceError, withMoreStored } from '../../errors.js';
import { maxBatchEvents, mayFollowEnd, type StoredEvent } from '../../events/event.js';
import { type ParseLimits, parseEventLine } from '../../events/parse-events.js';
import { matches, type Position, tagAfter, tagAt } from '../../events/position.js';
import { expectedSeq, type ProducerState, streamEnded } from '../../store/append-rules.js';
import type {
  Appended,
  AppendOptions,
  StreamId,
  StreamManager,
} from '../../store/stream-manager.js';
import { Slice } from '../../time-slices.js';
import type { Line } from '../body/line-splitter.js';

export interface LineAppenderOptions extends AppendOptions {
  readonly streams: StreamManager;
  readonly stream: StreamId;
  readonly limits: ParseLimits;
}

/** Appends the lines of one NDJSON body as they arrive, and counts the results. */
export class LineAppender {
  /** Number of events of the body in the stream. */
  stored = 0;
  /** The sum of all appends; `offset` is that of the first event stored now. */
  appended: Appended = { offset: 0, nextOffset: 0, count: 0, inputsNextOffset: 0 };
  /** How the body has ended the stream; null while it has not. */
  #ending: string | null = null;
  readonly #trace: StreamTrace;

  constructor(readonly options: LineAppenderOptions) {
    this.#trace = new StreamTrace(options.streams, options.stream);
  }

  get hasEnded(): boolean {
    return this.#ending !== null;
  }

  /** Whether the next event was stored before, as in a retry, given the state of its producer. */
  repeats(known: ProducerState | null): boolean {
    const stamp = this.#stamp();
    if (stamp === undefined || known === null) return false;
    return stamp.seq < expectedSeq(known, stamp.epoch);
  }

  /**
   * Appends all lines up to the first invalid one, in as few steps as possible.
   *
   * @throws ServiceError with `line`; its `stored` does not count what was stored before this call
   */
  async take(lines: readonly Line[]): Promise<void> {
    const slice = new Slice();
    for (let from = 0; from < lines.length; from += maxBatchEvents) {
      await this.#takeBatch(lines.slice(from, from + maxBatchEvents));
      if (slice.isOver) await slice.next();
    }
  }

  /** To be called at the end of the body. @throws ServiceError */
  async finish(): Promise<void> {
    if (this.stored === 0) throw new ServiceError('invalid_event', 'the body holds no event');
    if (!this.#trace.isStale || (await this.#trace.leadsOn())) return;
    this.stored = 0;
    throw new ServiceError('stream_gone', 'the stream that the lines went into is gone');
  }

  /** The error with the results of the lines before it; `stored` counts the events in the stream now. */
  async withStored(error: unknown): Promise<ServiceError> {
    const known = asServiceError(error);
    return withMoreStored(known, await this.#storedNow(known));
  }

  async #storedNow({ code, details }: ServiceError): Promise<number> {
    if (this.stored === 0 || details.streamStatus === 'deleted') return 0;
    // The stream may have lost its last events, which the producer has to send again.
    if (code === 'producer_gap') {
      const known = (details.expectedSeq ?? 0) - (this.options.producer?.seq ?? 0);
      return Math.min(Math.max(known, 0), this.stored);
    }
    return (await this.#trace.leadsOn()) ? this.stored : 0;
  }

  async #takeBatch(lines: readonly Line[]): Promise<void> {
    const { events, fault } = this.#encode(lines);
    if (events.length > 0) await this.#append(events, lines);
    if (fault !== null) throw fault;
  }

  #encode(lines: readonly Line[]): { events: StoredEvent[]; fault: ServiceError | null } {
    const events: StoredEvent[] = [];
    for (const line of lines) {
      try {
        events.push(this.#parseEventLine(line));
      } catch (error) {
        return { events, fault: withLine(error as ServiceError, line) };
      }
    }
    return { events, fault: null };
  }

  #parseEventLine({ number, text }: Line): StoredEvent {
    const event = parseEventLine(text, `line ${number}`, this.options.limits);
    if (this.#ending !== null && !mayFollowEnd(event)) throw streamEnded(this.#ending);
    this.#ending ??= event.ending;
    return event;
  }

  async #append(events: readonly StoredEvent[], lines: readonly Line[]): Promise<void> {
    const { streams, stream, leaseMs, ttlMs, inputsAckOffset } = this.options;
    const options = { producer: this.#stamp(), leaseMs, ttlMs, inputsAckOffset };
    let appended: Appended;
    try {
      appended = await streams.appendEvents(stream, events, options);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw withLine(error, lines[error.details.stored ?? 0]);
    }
    const leadsHere = this.stored === 0 || (await this.#trace.leadsTo(appended));
    this.#trace.note(appended, events);
    if (leadsHere) this.#count(appended, events.length);
    else throw this.#beginAnew(events.length, lines[0] as Line);
  }

  /** Resets the counts: the earlier lines are gone, and the stream has only the last ones. */
  #beginAnew(given: number, line: Line): ServiceError {
    this.stored = given;
    const message = `the stream that the lines before line ${line.number} went into is gone`;
    return withLine(new ServiceError('stream_gone', message), line);
  }

  #stamp(): AppendOptions['producer'] {
    const { producer } = this.options;
    return producer && { ...producer, seq: producer.seq + this.stored };
  }

  #count({ offset, nextOffset, count, inputsNextOffset }: Appended, given: number): void {
    const { appended } = this;
    const isFirst = appended.count === 0;
    this.appended = {
      offset: isFirst ? offset : appended.offset,
      nextOffset,
      count: appended.count + count,
      inputsNextOffset,
    };
    this.stored += given;
  }
}

function withLine({ code, message, details, cause }: ServiceError, line?: Line): ServiceError {
  const place = line === undefined || details.stored === null ? {} : { line: line.number };
  return new ServiceError(code, message, { ...details, ...place }, { cause });
}

function asServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  return new ServiceError('internal', 'something went wrong on our side', {}, { cause: error });
}

/** After this time without an append, the stream may have been replaced meanwhile. */
const staleMs = 1000;

/**
 * Tracks the appends of one request, to detect whether the next one goes into the same stream: during a
 * request, a stream may expire, be deleted or be lost, and be created again under its name. Others may
 * append in between, so offsets may have gaps.
 */
class StreamTrace {
  #place: Position = { offset: 0, tag: null };
  #notedAt = 0;

  constructor(
    readonly streams: Pick<StreamManager, 'getEvents'>,
    readonly stream: StreamId,
  ) {}

  get isStale(): boolean {
    return performance.now() - this.#notedAt > staleMs;
  }

  note({ nextOffset, count }: Appended, events: readonly StoredEvent[]): void {
    // If all events had been stored before, the last event of the stream is unknown.
    const tag = count === 0 ? null : tagAfter(events.at(-1) as StoredEvent);
    this.#place = { offset: nextOffset, tag };
    this.#notedAt = performance.now();
  }

  /** Whether an append went into the same stream as the earlier ones. If in doubt, it costs a read. */
  async leadsTo({ offset }: Appended): Promise<boolean> {
    if (offset < this.#place.offset) return false;
    return (offset === this.#place.offset && !this.isStale) || this.leadsOn();
  }

  /** Whether the events appended so far are still stored, as far as the store responds. */
  async leadsOn(): Promise<boolean> {
    const { offset } = this.#place;
    const page = await this.streams.getEvents(this.stream, offset, 1).catch(() => null);
    return page === null || matches(this.#place, tagAt(offset, page.before));
  }
}

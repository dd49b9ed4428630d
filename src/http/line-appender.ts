import { ServiceError } from '../errors.js';
import { type EncodeLimits, encodeLine } from '../streams/encode-events.js';
import { mayFollowEnd, streamEnded } from '../streams/lifecycle.js';
import { expectedSeq, type ProducerState } from '../streams/producer.js';
import type { StoredEvent } from '../streams/stream-event.js';
import type { StreamId } from '../streams/stream-id.js';
import {
  type Appended,
  type AppendOptions,
  maxBatchEvents,
  type StreamManager,
} from '../streams/stream-manager.js';
import type { Line } from './line-splitter.js';

export interface LineAppenderOptions extends AppendOptions {
  readonly appends: Pick<StreamManager, 'appendEvents'>;
  readonly stream: StreamId;
  readonly limits: EncodeLimits;
}

/** Appends the lines of one NDJSON body as they come, and counts what has become of them. */
export class LineAppender {
  /** How many events of the body are in the stream. */
  stored = 0;
  /** What has been appended so far; `offset` is that of the first event of the body stored now. */
  appended: Appended = { offset: 0, nextOffset: 0, count: 0 };
  /** How the body itself has ended the stream. */
  #ending: string | null = null;

  constructor(readonly options: LineAppenderOptions) {}

  get hasEnded(): boolean {
    return this.#ending !== null;
  }

  /** Whether the next event is stored already, as in a retry, when its producer is that far. */
  repeats(known: ProducerState | null): boolean {
    const stamp = this.#stamp();
    if (stamp === undefined || known === null) return false;
    return stamp.seq < expectedSeq(known, stamp.epoch);
  }

  /**
   * Appends all lines up to the first one at fault, in as few steps as it takes.
   *
   * @throws ServiceError with `line`; its `stored` does not count what was stored before this call
   */
  async take(lines: readonly Line[]): Promise<void> {
    for (let from = 0; from < lines.length; from += maxBatchEvents) {
      await this.#takeBatch(lines.slice(from, from + maxBatchEvents));
    }
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
        events.push(this.#encodeLine(line));
      } catch (error) {
        return { events, fault: withLine(error as ServiceError, line) };
      }
    }
    return { events, fault: null };
  }

  #encodeLine({ number, text }: Line): StoredEvent {
    const event = encodeLine(text, `line ${number}`, this.options.limits);
    if (this.#ending !== null && !mayFollowEnd(event)) throw streamEnded(this.#ending);
    this.#ending ??= event.ending;
    return event;
  }

  async #append(events: readonly StoredEvent[], lines: readonly Line[]): Promise<void> {
    const { appends, stream, leaseMs, ttlMs } = this.options;
    try {
      const options = { producer: this.#stamp(), leaseMs, ttlMs };
      this.#count(await appends.appendEvents(stream, events, options), events.length);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw withLine(error, lines[error.details.stored ?? 0]);
    }
  }

  #stamp(): AppendOptions['producer'] {
    const { producer } = this.options;
    return producer && { ...producer, seq: producer.seq + this.stored };
  }

  #count({ offset, nextOffset, count }: Appended, given: number): void {
    const { appended } = this;
    const isFirst = appended.count === 0;
    this.appended = {
      offset: isFirst ? offset : appended.offset,
      nextOffset,
      count: appended.count + count,
    };
    this.stored += given;
  }
}

function withLine({ code, message, details, cause }: ServiceError, line?: Line): ServiceError {
  if (line === undefined || details.stored === null)
    return new ServiceError(code, message, details, { cause });
  return new ServiceError(code, message, { ...details, line: line.number }, { cause });
}

import { Counter, type Histogram, type Registry } from 'prom-client';
import {
  type FeedObserver,
  feedEnds,
  feedRejections,
  feedStarts,
  type ReadCause,
  type ReadResult,
  readCauses,
  readResults,
  resetReasons,
} from '../feed/feed-observer.js';
import {
  countBy,
  countTotal,
  durationBuckets,
  type Instrument,
  measure,
  showLevel,
  waitBuckets,
} from './instruments.js';

/** How many feeds are open, and how many streams they follow. */
export interface FeedCounts {
  readonly feeds: number;
  readonly streams: number;
}

/** The metrics of feeds. */
export class FeedMetrics implements FeedObserver {
  readonly opened;
  readonly rejected;
  readonly closed;
  readonly reset;
  readonly #reads = noReads();
  readonly #firstEvent: Histogram;
  readonly #lag: Histogram;
  #deliveredEvents = 0;
  #deliveredBytes = 0;

  constructor(readonly registry: Registry) {
    const { opened, rejected, closed, resets, reads, firstEvent, lag, events, bytes } =
      this.#instruments();
    this.opened = countBy(opened, 'start', feedStarts);
    this.rejected = countBy(rejected, 'reason', feedRejections);
    this.closed = countBy(closed, 'reason', feedEnds);
    this.reset = countBy(resets, 'reason', resetReasons);
    this.#showReads(reads);
    this.#firstEvent = measure(firstEvent, waitBuckets);
    this.#lag = measure(lag, durationBuckets);
    countTotal(events, () => this.#deliveredEvents);
    countTotal(bytes, () => this.#deliveredBytes);
  }

  /** Exports how many feeds are open. */
  watch(counts: () => FeedCounts): void {
    const { feeds, streams } = this.#instruments();
    showLevel(feeds, () => counts().feeds);
    showLevel(streams, () => counts().streams);
  }

  read(cause: ReadCause, result: ReadResult): void {
    this.#reads[cause][result] += 1;
  }

  began(waitedMs: number): void {
    this.#firstEvent.observe(waitedMs / 1000);
  }

  delivered(events: number, bytes: number): void {
    this.#deliveredEvents += events;
    this.#deliveredBytes += bytes;
  }

  caughtUp(lagMs: number): void {
    this.#lag.observe(lagMs / 1000);
  }

  #showReads({ name, help }: Instrument): void {
    const reads = this.#reads;
    const labelNames = ['cause', 'result'] as const;
    new Counter({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        this.reset();
        for (const cause of readCauses) {
          for (const result of readResults) {
            this.inc({ cause, result }, reads[cause][result]);
          }
        }
      },
    });
  }

  #instruments() {
    const { registry } = this;
    const of = (name: string, help: string): Instrument => ({
      registry,
      name: `rejoin_${name}`,
      help,
    });
    return {
      feeds: of('feeds_open', 'Feeds that are open.'),
      streams: of('streams_followed', 'Streams that at least one feed follows.'),
      opened: of('feeds_opened_total', 'Feeds opened, by where the client began.'),
      rejected: of('feeds_rejected_total', 'Feeds that were told to come back later.'),
      closed: of('feeds_closed_total', 'Feeds that have closed, by the reason.'),
      resets: of('feed_resets_total', 'Clients told that their stream is not the one they saw.'),
      reads: of('stream_reads_total', 'Reads of streams for feeds, by cause and result.'),
      firstEvent: of(
        'first_event_seconds',
        'From a feed that found no stream to the first event of it.',
      ),
      lag: of(
        'delivery_lag_seconds',
        'From a notification until all waiting feeds were written to.',
      ),
      events: of('events_delivered_total', 'Events written to feeds.'),
      bytes: of('bytes_delivered_total', 'Bytes of frames written to feeds.'),
    };
  }
}

function noReads(): Record<ReadCause, Record<ReadResult, number>> {
  const none = () => ({ events: 0, nothing: 0, failed: 0 });
  return { notification: none(), poll: none(), catch_up: none() };
}

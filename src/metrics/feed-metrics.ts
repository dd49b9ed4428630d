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
import { durationBuckets, type Instruments, waitBuckets } from './instruments.js';
import type { TimeHistogram } from './time-histogram.js';

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
  readonly #firstEvent: TimeHistogram;
  readonly #lag: TimeHistogram;
  #deliveredEvents = 0;
  #deliveredBytes = 0;

  constructor(readonly instruments: Instruments) {
    this.opened = instruments.countBy(
      'rejoin_feeds_opened_total',
      'Feeds opened, by where the client began.',
      'start',
      feedStarts,
    );
    this.rejected = instruments.countBy(
      'rejoin_feeds_rejected_total',
      'Feeds that were told to come back later.',
      'reason',
      feedRejections,
    );
    this.closed = instruments.countBy(
      'rejoin_feeds_closed_total',
      'Feeds that have closed, by the reason.',
      'reason',
      feedEnds,
    );
    this.reset = instruments.countBy(
      'rejoin_feed_resets_total',
      'Clients told that their stream is not the one they saw.',
      'reason',
      resetReasons,
    );
    instruments.totals(
      'rejoin_stream_reads_total',
      'Reads of streams for feeds, by cause and result.',
      ['cause', 'result'],
      () =>
        readCauses.flatMap((cause) =>
          readResults.map((result) => [{ cause, result }, this.#reads[cause][result]] as const),
        ),
    );
    this.#firstEvent = instruments.seconds({
      name: 'rejoin_first_event_seconds',
      help: 'From a feed that found no stream to the first event of it.',
      buckets: waitBuckets,
    });
    this.#lag = instruments.seconds({
      name: 'rejoin_delivery_lag_seconds',
      help: 'From a notification until all waiting feeds were written to.',
      buckets: durationBuckets,
    });
    instruments.total(
      'rejoin_events_delivered_total',
      'Events written to feeds.',
      () => this.#deliveredEvents,
    );
    instruments.total(
      'rejoin_bytes_delivered_total',
      'Bytes of frames written to feeds.',
      () => this.#deliveredBytes,
    );
  }

  /** Exports how many feeds are open. */
  watch(counts: () => FeedCounts): void {
    const help = 'Streams that at least one feed follows.';
    this.instruments.level('rejoin_feeds_open', 'Feeds that are open.', () => counts().feeds);
    this.instruments.level('rejoin_streams_followed', help, () => counts().streams);
  }

  read(cause: ReadCause, result: ReadResult, count = 1): void {
    this.#reads[cause][result] += count;
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
}

function noReads(): Record<ReadCause, Record<ReadResult, number>> {
  const none = () => ({ events: 0, nothing: 0, failed: 0 });
  return { notification: none(), poll: none(), catch_up: none() };
}

import type { BaseLogger } from 'pino';
import { ServiceError, toLogFields } from '../errors.js';
import { matches, type Position } from '../events/position.js';
import type { LogId, StreamManager } from '../store/stream-manager.js';
import type { EndChecks } from './end-checks.js';
import type { FeedObserver, ReadCause, ResetReason } from './feed-observer.js';
import { EncodedPage, type PageBudget, PageCache } from './pages.js';
import { type ParkedSubscriber, ParkedSubscribers } from './parked-subscribers.js';
import { PollTask, type PollTimer } from './poll-timer.js';
import { Coalescer, type DeliveryQueue, type TurnQueue, type TurnTaker } from './scheduler.js';
import { type StreamSnapshot, StreamState } from './stream-state.js';

/** Max number of events in one page; its bytes are bounded by the stream manager. */
const maxPageEvents = 512;

/** The options that all followers of a process share. */
export interface FollowerOptions {
  readonly streams: StreamManager;
  /** Polls each stream once in an interval, if notifications may be lost. */
  readonly pollTimer: PollTimer;
  /** The queue of streams with something new to read and deliver. */
  readonly turns: TurnQueue;
  readonly deliveries: DeliveryQueue;
  readonly endChecks: EndChecks;
  readonly lingerMs: number;
  readonly pageBudget: PageBudget;
  readonly logger: BaseLogger;
  readonly observer: FeedObserver;
}

/** The reset of a client whose stream is not the one it saw. */
export interface Reset {
  readonly reason: ResetReason;
  /** Whether there is no stream now. */
  readonly isAbsent: boolean;
}

/** A running read, which may lack events of later notifications. */
interface RunningRead {
  readonly offset: number;
  readonly notifications: number;
  readonly page: Promise<EncodedPage>;
}

/**
 * The one puller of a followed stream in this process. Subscribers have positions of their own and
 * ask it for the page at their position; those that have everything are parked. Each delivery serves
 * all of them with one read, after a notification or the poll interval.
 *
 * `notifications` counts how often there may have been more, and a page is as current as the count when
 * its read began. An example: the count is 4 when a delivery starts. A notification raises it to 5
 * during the read, so the page may lack the new event. The page is delivered all the same, and its end
 * counts as the end of the stream (the delivery serves count 4), so that subscribers park again; but the
 * delivery ends with 4 of 5 notifications served, and another one follows.
 */
export class StreamFollower extends PollTask implements TurnTaker {
  /** Number of feeds that follow the stream, or are being opened. */
  users = 0;
  readonly #state: StreamState;
  readonly #pages: PageCache;
  readonly #parked = new ParkedSubscribers();
  readonly #coalescer = new Coalescer();
  readonly #unwatch: () => void;
  /** The running reads, nearly always none or one. */
  #reads: RunningRead[] = [];
  #restarting: Promise<StreamSnapshot> | null = null;
  /** When the first feed began to wait for the first event, on the clock of `performance.now()`. */
  #awaitedSince: number | null = null;
  #hasEvents = false;
  /** Counts the streams of this name, so that reads of one are not applied to the next. */
  #generation = 0;
  #notifications = 0;
  /** When the first notification arrived that no delivery has served. */
  #notifiedAt: number | null = null;
  /** The empty page at the end of the stream; null until it is read. */
  #end: EncodedPage | null = null;
  /** The count of notifications when the read of the end began. */
  #endNotifications = 0;
  /** Whether a delivery runs, or has been scheduled. */
  #isDelivering = false;
  /** The count of notifications that the running delivery serves. */
  #servedNotifications = 0;
  /** The page that is being delivered, which may not be in the cache. */
  #deliveredPage: EncodedPage | null = null;
  /** Whether a read has failed and no delivery has repeated it. */
  #hasFailed = false;
  #isClosed = false;

  constructor(
    readonly stream: LogId,
    readonly options: FollowerOptions,
  ) {
    super();
    this.#pages = new PageCache(options.pageBudget);
    // When the stream is over, one more read gives parked subscribers what they lack, as a notification may
    // have been lost, or shows that they have everything.
    // Feeds linger for a late title, which is no input.
    const lingerMs = stream.log === 'inputs' ? 0 : options.lingerMs;
    this.#state = new StreamState(lingerMs, () => this.#requestDelivery());
    this.#unwatch = options.streams.watch(stream, () => this.#notify());
    options.pollTimer.postpone(this); // last, in case `watch` throws
  }

  /**
   * Reads the status of the stream and, ahead of need, the page at a position, in one round trip to the
   * store. The page is null if it is cached, and is never older than the status. Each promise rejects
   * with its own `ServiceError`.
   *
   * @param position null if it depends on the status
   */
  open(position: Position | null, prefersLong: boolean) {
    const status = Promise.resolve(this.#sharedStatus(position) ?? this.refresh());
    const isCached = position === null || this.peek(position, prefersLong) !== undefined;
    const page = isCached ? null : this.#readSince(position.offset, status);
    page?.catch(() => {}); // an unhandled rejection would end the process
    return { status, page };
  }

  /**
   * The status by which other feeds wait at the end of an open stream, for one that resumes there or before: the store
   * is not asked for each feed of a thundering herd. The tag of its position tells whether it is the same stream.
   */
  #sharedStatus(position: Position | null): StreamSnapshot | null {
    const { snapshot } = this.#state;
    if (snapshot === null || snapshot.isAbsent || snapshot.hasEnded) return null;
    if (this.#parked.isEmpty || this.#hasFailed || this.#end === null) return null;
    if (position === null || position.offset === 0 || position.tag === null) return null;
    const { offset, tag } = this.#end;
    if (tag === null) return null; // a read past the end of the stream
    // One that is ahead of the end has seen more than this process, perhaps the end of the stream.
    const isKnown =
      position.offset < offset || (position.offset === offset && position.tag === tag);
    return isKnown ? snapshot : null;
  }

  /** Reads the status of the stream. @throws ServiceError */
  async refresh(): Promise<StreamSnapshot> {
    const { endings } = this.#state;
    const info = await this.options.streams.getStatus(this.stream);
    if (this.#state.isOutdated(info, endings)) return this.refresh();
    if (this.#state.isOfAnother(info)) this.#invalidate();
    const snapshot = this.#state.refresh(info);
    // A status with events that were not read replaces a lost notification.
    if (this.#end !== null && this.#end.offset < snapshot.end.offset) {
      this.#end = null;
      this.#notify();
    }
    return snapshot;
  }

  /** Whether feeds at the end of the stream end now. */
  isOver(): boolean {
    return this.#state.isOver();
  }

  /**
   * The page at the position if it is cached, an empty one if the position is known to be the end.
   *
   * @param prefersLong whether many short pages in the cache are read again as one
   */
  peek(position: Position, prefersLong = false): EncodedPage | undefined {
    const { offset } = position;
    const delivered = this.#deliveredPage?.offset === offset ? this.#deliveredPage : undefined;
    const page = delivered ?? this.#pages.get(offset) ?? this.#endAt(offset);
    if (page === undefined || !matches(position, page.tag)) return undefined;
    return prefersLong && this.#pages.isInPieces(page) ? undefined : page;
  }

  /** The page that begins at the offset, empty at the end and past it. @throws ServiceError */
  read(offset: number, cause: ReadCause = 'catch_up'): Promise<EncodedPage> {
    const notifications = this.#notifications;
    for (const read of this.#reads) {
      if (read.offset === offset && read.notifications === notifications) return read.page;
    }
    const page = this.#load(offset, notifications, cause).finally(() => {
      this.#reads = this.#reads.filter((read) => read.page !== page);
    });
    this.#reads.push({ offset, notifications, page });
    return page;
  }

  /**
   * Finds out why the position of a client does not match, that is whether its stream was deleted, replaced
   * or truncated. Concurrent calls share one result. @throws ServiceError
   *
   * @param page the page that was read at the position
   */
  async findReset(page: EncodedPage): Promise<Reset> {
    this.#invalidate();
    this.#restarting ??= this.refresh().finally(() => {
      this.#restarting = null;
    });
    const { isAbsent } = await this.#restarting;
    const isDeleted = isAbsent && (await this.options.streams.wasDeleted(this.stream));
    return { reason: isDeleted ? 'deleted' : page.tag === null ? 'gone' : 'diverged', isAbsent };
  }

  /** To be called when a feed opens at the start of a stream that did not exist, by a status that may be late. */
  awaitFirstEvent(): void {
    if (!this.#hasEvents && this.stream.log !== 'inputs') this.#awaitedSince ??= performance.now();
  }

  /** Resumes the subscriber when there is something new, or the stream is over. */
  park(subscriber: ParkedSubscriber): void {
    this.#parked.add(subscriber);
  }

  /** Removes a subscriber that ends. */
  leave(subscriber: ParkedSubscriber): void {
    this.#parked.delete(subscriber);
  }

  /** Logs a failed read, which the next poll repeats. The connection log reports an unavailable store. */
  logFailure(error: unknown): void {
    this.#hasFailed = true;
    const { logger } = this.options;
    const isExpected = error instanceof ServiceError;
    const fields = isExpected ? { code: error.code } : toLogFields(error);
    logger[isExpected ? 'debug' : 'error']({ ...this.stream, ...fields }, 'A read failed');
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    this.options.pollTimer.remove(this);
    this.#state.close();
    this.#parked.clear();
    this.#pages.clear();
    this.#end = null; // the timer may keep a closed task for an interval
  }

  /** Drops pages that no subscriber needed for a poll interval, and looks for events without a notification. */
  override poll(): void {
    this.#pages.dropUnneeded();
    const { streams, endChecks } = this.options;
    // If no notification is ever lost, only failed reads are repeated.
    if (streams.notifiesReliably && !this.#hasFailed) return;
    const end = this.#restsAt();
    if (end === null) this.#readAgain();
    else endChecks.add({ stream: this.stream, end, onMoved: () => this.#readAgain() });
  }

  /** The delivery loop: reads new events, once for each offset, and delivers them. */
  async takeTurn(): Promise<void> {
    this.#servedNotifications = this.#notifications;
    this.#hasFailed = false;
    if (!this.#parked.isEmpty) await this.#checkStatus();
    const notifiedAt = this.#notifiedAt;
    this.#notifiedAt = null;
    const cause = notifiedAt === null ? 'poll' : 'notification';
    let hasDelivered = false;
    for (const offset of this.#parked.offsets()) {
      try {
        if (await this.#deliverFrom(offset, cause)) hasDelivered = true;
      } catch (error) {
        this.logFailure(error);
      }
    }
    if (notifiedAt !== null && hasDelivered) {
      this.options.observer.caughtUp(performance.now() - notifiedAt);
    }
    this.#endDelivery();
  }

  /**
   * Reads the status before a delivery if it is unknown. No page of inputs holds the end of their stream, so it is read
   * beside each delivery of inputs; one that shows the end requests another delivery.
   */
  async #checkStatus(): Promise<void> {
    const { snapshot } = this.#state;
    const isNeeded = snapshot === null || (this.stream.log === 'inputs' && !snapshot.hasEnded);
    const reading = isNeeded ? this.refresh().catch((error) => this.logFailure(error)) : null;
    if (snapshot === null) await reading;
  }

  /** The page at the offset, which is not older than the status. */
  async #readSince(offset: number, status: Promise<StreamSnapshot>): Promise<EncodedPage> {
    const [page, { end }] = await Promise.all([this.read(offset), status]);
    return page.atEnd && page.next.offset < end.offset ? this.read(offset) : page;
  }

  async #load(offset: number, notifications: number, cause: ReadCause): Promise<EncodedPage> {
    const { streams, observer } = this.options;
    const generation = this.#generation;
    // A poll reads one event; parked subscribers continue from there.
    const limit = cause === 'poll' ? 1 : maxPageEvents;
    let page: EncodedPage;
    try {
      page = EncodedPage.of(await streams.getEvents(this.stream, offset, limit));
    } catch (error) {
      observer.read(cause, 'failed');
      throw error;
    }
    observer.read(cause, page.isEmpty ? 'nothing' : 'events');
    if (generation === this.#generation && !this.#isClosed) this.#keep(page, notifications);
    return page;
  }

  #keep(page: EncodedPage, notifications: number): void {
    // The store dates the end of a stream, and one by another program only when the status is first read.
    // Without this read, a client that reconnects after the linger would not be told that all is over.
    if (this.#state.apply(page)) this.refresh().catch((error) => this.logFailure(error));
    if (!page.isEmpty) this.#noteEvents();
    // With a single feed, no other one needs the page.
    if (!page.isEmpty && this.users > 1) this.#pages.add(page);
    if (!page.atEnd) return;
    this.#end = page.end;
    this.#endNotifications = notifications;
  }

  #noteEvents(): void {
    this.#hasEvents = true;
    if (this.#awaitedSince === null) return;
    this.options.observer.began(performance.now() - this.#awaitedSince);
    this.#awaitedSince = null;
  }

  #endAt(offset: number): EncodedPage | undefined {
    if (this.#end?.offset !== offset) return undefined;
    const isLatest = this.#endNotifications === this.#notifications;
    const isServed = this.#isDelivering && this.#endNotifications >= this.#servedNotifications;
    return isLatest || isServed ? this.#end : undefined;
  }

  /** Drops everything that was read, when the stream is replaced by another one. */
  #invalidate(): void {
    this.#generation += 1;
    this.#hasEvents = false;
    this.#pages.clear();
    this.#reads = [];
    this.#end = null;
    this.#deliveredPage = null;
    this.#state.invalidate();
  }

  /** Called when there may be more events. */
  #notify(): void {
    this.#notifiedAt ??= performance.now();
    this.#requestDelivery();
  }

  /** Schedules a delivery in the next turn of the event loop, which serves all notifications of this one. */
  #requestDelivery(): void {
    if (this.#startDelivery()) this.#scheduleDelivery();
  }

  /** The end at which all subscribers wait, if there is nothing to do but to see whether the stream still ends there. */
  #restsAt(): Position | null {
    if (this.#isDelivering || this.#hasFailed || !this.#state.isKnown) return null;
    const end = this.#end?.next;
    return end !== undefined && end.tag !== null && this.#parked.areAllAt(end) ? end : null;
  }

  /** Delivers what a read shows, whether there was a notification or not. */
  #readAgain(): void {
    this.#end = null;
    if (this.#startDelivery()) void this.takeTurn();
  }

  /** Counts a notification, or a poll. Returns whether to start a delivery for it. */
  #startDelivery(): boolean {
    this.#notifications += 1;
    if (this.#isDelivering || this.#isClosed) return false;
    this.#isDelivering = true;
    return true;
  }

  #scheduleDelivery(): void {
    this.#coalescer.afterRest(() => this.options.turns.push(this));
  }

  /** Resumes the subscribers parked at the offset. Returns whether there were events for them. */
  async #deliverFrom(offset: number, cause: ReadCause): Promise<boolean> {
    const generation = this.#generation;
    // Checked before the read, so that the page has all events before the end.
    const isOver = this.isOver();
    const page = await this.read(offset, cause);
    const startedAt = performance.now();
    const { lastPlace } = this.#parked;
    // If the stream was replaced meanwhile, the page is not offered, and subscribers read again.
    this.#deliveredPage = generation === this.#generation ? page : null;
    await this.options.deliveries.run((turn) =>
      this.#parked.release(page, lastPlace, isOver, turn),
    );
    this.#deliveredPage = null;
    await this.#coalescer.rest(startedAt);
    return !page.isEmpty;
  }

  #endDelivery(): void {
    this.#isDelivering = !this.#isClosed && this.#notifications !== this.#servedNotifications;
    if (this.#isDelivering) this.#scheduleDelivery();
    else if (!this.#isClosed) this.options.pollTimer.postpone(this);
  }
}

import type { BaseLogger } from 'pino';
import { ServiceError, toLogFields } from '../errors.js';
import { matches, type Position } from '../events/position.js';
import type { StreamId } from '../store/stream-id.js';
import type { StreamManager } from '../store/stream-manager.js';
import { Coalescer } from './coalescer.js';
import { EncodedPage } from './encoded-page.js';
import type { FeedObserver, ReadCause, ResetReason } from './feed-observer.js';
import { FirstEventTimer } from './first-event-timer.js';
import { type PageBudget, PageCache } from './page-cache.js';
import { type ParkedSubscriber, ParkedSubscribers } from './parked-subscribers.js';
import { type StreamSnapshot, StreamState } from './stream-state.js';
import { type TimerWheel, WheelTask } from './timer-wheel.js';
import { type TurnQueue, type TurnTaker, turnWithRoom } from './turns.js';

/** The largest number of events in one page; its bytes are bounded by the stream manager. */
const maxPageEvents = 512;

/** What all followers of a process have in common. */
export interface FollowerOptions {
  readonly streams: StreamManager;
  /** A stream is read at least once in its interval, if notifications may be lost. */
  readonly timerWheel: TimerWheel;
  /** In which each stream is read and delivered that has something new. */
  readonly turns: TurnQueue;
  readonly lingerMs: number;
  readonly pageBudget: PageBudget;
  readonly logger: BaseLogger;
  readonly observer: FeedObserver;
}

/** A stream that is not the one that a client saw. */
export interface Reset {
  readonly reason: ResetReason;
  /** Whether there is no stream now. */
  readonly isAbsent: boolean;
}

/** A read under way, which may lack what later notifications announced. */
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
 * `notifications` counts how often there may have been more, and what was read is as new as the count
 * when the read began. An example: the count is 4 when a delivery starts. A notification raises it to
 * 5 while the page is read, so the page may lack what it announced. The page is delivered all the
 * same, and its end counts as the end of the stream (4 is what the delivery takes care of), so that
 * subscribers park again; but the delivery ends with 4 served of 5, and another one follows.
 */
export class StreamFollower extends WheelTask implements TurnTaker {
  /** How many feeds follow the stream, or are about to. */
  users = 0;
  readonly #state: StreamState;
  readonly #pages: PageCache;
  readonly #parked = new ParkedSubscribers();
  readonly #coalescer = new Coalescer();
  readonly #firstEvent: FirstEventTimer;
  readonly #unwatch: () => void;
  /** Nearly always none or one. */
  #reads: RunningRead[] = [];
  #restarting: Promise<StreamSnapshot> | null = null;
  /** Counts the streams of this name: what was read of one is not said of the next. */
  #generation = 0;
  #notifications = 0;
  /** When the first notification came that no delivery has taken care of. */
  #notifiedAt: number | null = null;
  /** The empty page at the end of the stream, if it was read. */
  #end: EncodedPage | null = null;
  /** The notifications before the end was read. */
  #endNotifications = 0;
  /** Whether a delivery runs, or has been scheduled. */
  #isDelivering = false;
  /** The notifications that the running delivery takes care of. */
  #servedNotifications = 0;
  /** What is being delivered: it may be kept nowhere else. */
  #deliveredPage: EncodedPage | null = null;
  /** Whether a read has failed that no delivery has tried again. */
  #hasFailed = false;
  #isClosed = false;

  constructor(
    readonly stream: StreamId,
    readonly options: FollowerOptions,
  ) {
    super();
    this.#pages = new PageCache(options.pageBudget);
    this.#firstEvent = new FirstEventTimer(options.observer);
    // One more read when the stream is over shows those parked what they lack, since a notification
    // may have been lost, or that they have everything.
    this.#state = new StreamState(options.lingerMs, () => this.#requestDelivery());
    this.#unwatch = options.streams.watch(stream, () => this.#notify());
    options.timerWheel.postpone(this); // last, so that nothing is left behind should `watch` throw
  }

  /**
   * Asks for the status of the stream and, ahead of need, for the page at a position: together, which
   * is one round trip to the store. The page is null where it is at hand, and is never older than the
   * status. Each promise rejects with a `ServiceError` of its own.
   *
   * @param position null while only the status can tell it
   */
  open(position: Position | null, prefersLong: boolean) {
    const status = this.refresh();
    const isAtHand = position === null || this.peek(position, prefersLong) !== undefined;
    const page = isAtHand ? null : this.#readSince(position.offset, status);
    page?.catch(() => {}); // lest one that nothing awaits ends the process
    return { status, page };
  }

  /** Asks the store for the status of the stream. @throws ServiceError */
  async refresh(): Promise<StreamSnapshot> {
    const { endings } = this.#state;
    const info = await this.options.streams.getStatus(this.stream);
    if (this.#state.isOutdated(info, endings)) return this.refresh();
    if (this.#state.isOfAnother(info)) this.#invalidate();
    const snapshot = this.#state.refresh(info);
    // A status that knows of more than was read stands in for the notification that was lost.
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
   * The page at the position if it is at hand, an empty one if the position is known to be the end.
   *
   * @param prefersLong whether what is at hand in many short pages is read again
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
    const page = this.#load(offset, notifications, cause);
    const read = { offset, notifications, page };
    this.#reads.push(read);
    const remove = () => {
      this.#reads = this.#reads.filter((one) => one !== read);
    };
    page.then(remove, remove);
    return page;
  }

  /**
   * Finds out what has become of the stream that a client saw, when it has come with a position that
   * does not match. Subscribers that find that out together share one answer. @throws ServiceError
   *
   * @param page that was read at the position
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

  /** To be called when a feed opens at the start of a stream that is not there. */
  awaitFirstEvent(): void {
    this.#firstEvent.start();
  }

  /** Resumes the subscriber when there is something new, or nothing is to come. */
  park(subscriber: ParkedSubscriber): void {
    this.#parked.add(subscriber);
  }

  /** A subscriber that ends is not to be resumed. */
  leave(subscriber: ParkedSubscriber): void {
    this.#parked.delete(subscriber);
  }

  /** A store that is away is logged where the connection is; the next poll tries again. */
  logFailure(error: unknown): void {
    this.#hasFailed = true;
    const { stream } = this;
    const { logger } = this.options;
    if (error instanceof ServiceError)
      logger.debug({ ...stream, code: error.code }, 'A read failed');
    else logger.error({ ...stream, ...toLogFields(error) }, 'A read failed');
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    this.options.timerWheel.remove(this);
    this.#state.close();
    this.#parked.clear();
    this.#pages.clear();
  }

  /** What was read a poll interval ago is not wanted any more. */
  override poll(): void {
    this.#pages.clear();
    this.#end = null;
    // Where no notification gets lost, only what has failed is tried again.
    if (this.options.streams.notifiesReliably && !this.#hasFailed) return;
    if (this.#startDelivery()) void this.#deliver();
  }

  takeTurn(): void {
    void this.#deliver();
  }

  /** The page at the offset, which is not older than the status. */
  async #readSince(offset: number, status: Promise<StreamSnapshot>): Promise<EncodedPage> {
    const [page, { end }] = await Promise.all([this.read(offset), status]);
    return page.atEnd && page.next.offset < end.offset ? this.read(offset) : page;
  }

  async #load(offset: number, notifications: number, cause: ReadCause): Promise<EncodedPage> {
    const { streams, observer } = this.options;
    const generation = this.#generation;
    // A poll asks whether there is anything; parked subscribers read on from there.
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
    // The store dates the end. Another program's ending is dated when the store is first asked; a
    // client that comes back after the linger is to be told that everything is over.
    if (this.#state.apply(page)) this.refresh().catch((error) => this.logFailure(error));
    if (!page.isEmpty) {
      this.#firstEvent.stop();
      // Where one feed follows, no other one comes for it: the one that asked has it.
      if (this.users > 1) this.#pages.add(page);
    }
    if (!page.atEnd) return;
    this.#end = page.end;
    this.#endNotifications = notifications;
  }

  #endAt(offset: number): EncodedPage | undefined {
    if (this.#end?.offset !== offset) return undefined;
    const isLatest = this.#endNotifications === this.#notifications;
    const isServed = this.#isDelivering && this.#endNotifications >= this.#servedNotifications;
    return isLatest || isServed ? this.#end : undefined;
  }

  /** The stream is no longer the one that was read: nothing of what is known holds for the next. */
  #invalidate(): void {
    this.#generation += 1;
    this.#firstEvent.reset();
    this.#pages.clear();
    this.#reads = [];
    this.#end = null;
    this.#deliveredPage = null;
    this.#state.invalidate();
  }

  /** There may be more. */
  #notify(): void {
    this.#notifiedAt ??= performance.now();
    this.#requestDelivery();
  }

  /** In the next turn of the event loop, one delivery takes care of what comes in this one. */
  #requestDelivery(): void {
    if (this.#startDelivery()) this.#scheduleDelivery();
  }

  /** Counts a notification, if only from the clock. Returns whether a delivery is to run for it. */
  #startDelivery(): boolean {
    this.#notifications += 1;
    if (this.#isDelivering || this.#isClosed) return false;
    this.#isDelivering = true;
    return true;
  }

  #scheduleDelivery(): void {
    this.#coalescer.afterRest(() => this.options.turns.push(this));
  }

  /** The delivery loop: reads what is new, once for each offset, and delivers it. */
  async #deliver(): Promise<void> {
    this.#servedNotifications = this.#notifications;
    this.#hasFailed = false;
    if (!this.#state.isKnown && !this.#parked.isEmpty) {
      await this.refresh().catch((error) => this.logFailure(error));
    }
    const notifiedAt = this.#notifiedAt;
    this.#notifiedAt = null;
    const cause = notifiedAt === null ? 'poll' : 'wake_up';
    let hasDelivered = false;
    for (const offset of this.#parked.offsets()) {
      try {
        const isNew = await this.#deliverFrom(offset, cause);
        hasDelivered ||= isNew;
      } catch (error) {
        this.logFailure(error);
      }
    }
    if (notifiedAt !== null && hasDelivered) {
      this.options.observer.caughtUp(performance.now() - notifiedAt);
    }
    this.#endDelivery();
  }

  /** Resumes the subscribers parked at the offset. Returns whether there were events for them. */
  async #deliverFrom(offset: number, cause: ReadCause): Promise<boolean> {
    const generation = this.#generation;
    // Asked before the read: then the page has everything that came before the end.
    const isOver = this.isOver();
    const page = await this.read(offset, cause);
    const startedAt = performance.now();
    const { lastPlace } = this.#parked;
    // A page of a stream that is another one by now makes subscribers read again.
    this.#deliveredPage = generation === this.#generation ? page : null;
    while (this.#parked.release(page, lastPlace, isOver, await turnWithRoom()));
    this.#deliveredPage = null;
    await this.#coalescer.rest(startedAt);
    return !page.isEmpty;
  }

  #endDelivery(): void {
    const hasMore = !this.#isClosed && this.#notifications !== this.#servedNotifications;
    if (hasMore) {
      this.#scheduleDelivery();
      return;
    }
    this.#isDelivering = false;
    if (!this.#isClosed) this.options.timerWheel.postpone(this);
  }
}

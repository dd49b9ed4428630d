import type { BaseLogger } from 'pino';
import { ServiceError, toLogFields } from '../errors.js';
import { fits, type Position } from '../streams/position.js';
import type { StreamId } from '../streams/stream-id.js';
import type { StreamManager } from '../streams/stream-manager.js';
import { Beginning } from './beginning.js';
import { Deadline, never } from './deadline.js';
import { EncodedPage } from './encoded-page.js';
import type { FeedObserver, ReadCause } from './feed-observer.js';
import { Pace } from './pace.js';
import { type PageBudget, PageCache } from './page-cache.js';
import { Polled, type PollWheel } from './poll-wheel.js';
import { StreamLife } from './stream-life.js';
import { type Waiter, Waiters } from './waiters.js';

/** The most events of one page; its bytes are bounded by the stream manager. */
const pageEvents = 512;

/** What all readers of a process have in common. */
export interface ReaderOptions {
  readonly streams: StreamManager;
  /** A stream is read at least once in its interval, if wake-ups may be lost. */
  readonly polls: PollWheel;
  readonly lingerMs: number;
  readonly pageBudget: PageBudget;
  readonly logger: BaseLogger;
  readonly observer: FeedObserver;
}

/** A read under way; it may miss what later wake-ups announced. */
interface RunningRead {
  readonly wakes: number;
  readonly page: Promise<EncodedPage>;
}

/**
 * The one reader of a followed stream in this process. Subscribers have positions of their own and
 * ask it for the page at their position; whoever is at the end waits here, and one read on a
 * wake-up, or after the poll interval, serves all who wait.
 */
export class StreamReader extends Polled {
  readonly #pages: PageCache;
  readonly #beginning: Beginning;
  /** By offset; null while there are none, as for most streams at most times. */
  #reads: Map<number, RunningRead> | null = null;
  readonly #waiting = new Waiters();
  readonly #pace = new Pace();
  readonly #unwatch: () => void;
  /** Null until the stream has ended. */
  #linger: Deadline | null = null;
  /** Null while the stream is not known, or no longer. */
  #life: StreamLife | null = null;
  #restart: Promise<StreamLife> | null = null;
  /** Counts the streams of this name: what was read of one is not said of the next. */
  #generation = 0;
  /** Counts the endings seen in pages: an answer of the store that is older is asked for again. */
  #endings = 0;
  #knownEnd: { readonly page: EncodedPage; readonly wakes: number } | null = null;
  #wakes = 0;
  /** When the first wake-up came that no round has taken care of. */
  #wokenAt: number | null = null;
  /** The wake-ups that the running round of deliveries takes care of. */
  #roundWakes = 0;
  #isDelivering = false;
  /** Whether a read has failed that no round has tried again. */
  #hasFailed = false;
  #isClosed = false;

  constructor(
    readonly stream: StreamId,
    readonly options: ReaderOptions,
  ) {
    super();
    this.#pages = new PageCache(options.pageBudget);
    this.#beginning = new Beginning(options.observer);
    options.polls.putOff(this);
    this.#unwatch = options.streams.watch(stream, () => this.wake());
  }

  /** Whatever was read a poll interval ago is not wanted any more. */
  override poll(): void {
    this.#pages.clear();
    this.#knownEnd = null;
    if (this.#reads?.size === 0) this.#reads = null;
    if (this.#hasFailed || !this.options.streams.wakesForCertain) this.#startRound('at_once');
  }

  wake(): void {
    this.#wokenAt ??= performance.now();
    this.#startRound('next_turn');
  }

  /** In the next turn, one round takes care of what comes in this one; polls come one by one. */
  #startRound(when: 'at_once' | 'next_turn'): void {
    this.#wakes += 1;
    if (this.#isDelivering || this.#isClosed) return;
    this.#isDelivering = true;
    if (when === 'at_once') void this.#deliver();
    else this.#scheduleRound();
  }

  #scheduleRound(): void {
    this.#pace.schedule(() => void this.#deliver());
  }

  /** Asks the store what is known of the stream now. @throws ServiceError */
  async learn(): Promise<StreamLife> {
    const { streams, lingerMs } = this.options;
    const endings = this.#endings;
    const info = await streams.getStatus(this.stream);
    if (endings !== this.#endings) return this.learn();
    return this.#know(new StreamLife(info, lingerMs, performance.now()));
  }

  /**
   * Forgets everything, since the stream is no longer the one that was read, and learns anew.
   * Subscribers who find that out together share one restart. @throws ServiceError
   */
  restart(): Promise<StreamLife> {
    this.#forget();
    this.#restart ??= this.learn().finally(() => {
      this.#restart = null;
    });
    return this.#restart;
  }

  /** Whether the stream is not there because somebody deleted it. @throws ServiceError */
  wasDeleted(): Promise<boolean> {
    return this.options.streams.wasDeleted(this.stream);
  }

  /** Whether feeds at the end of the stream end now. */
  isOver(): boolean {
    return this.#life?.isOver(performance.now()) ?? false;
  }

  /**
   * The page at the position if it is at hand, an empty one if the position is known to be the end.
   *
   * @param prefersLong whether what is at hand in many short pages is read anew
   */
  peek(position: Position, prefersLong = false): EncodedPage | undefined {
    const page = this.#pages.get(position.offset) ?? this.#endAt(position.offset);
    if (page === undefined || !fits(position, page.tag)) return undefined;
    return prefersLong && this.#pages.isInPieces(page) ? undefined : page;
  }

  /** The page that begins at the offset, empty at the end and past it. @throws ServiceError */
  read(offset: number, cause: ReadCause = 'catch_up'): Promise<EncodedPage> {
    const running = this.#reads?.get(offset);
    // A read that began before the last wake-up may miss what it announced.
    if (running !== undefined && running.wakes === this.#wakes) return running.page;
    const wakes = this.#wakes;
    const page = this.#load(offset, wakes, cause);
    this.#reads ??= new Map();
    this.#reads.set(offset, { wakes, page });
    return page;
  }

  /** To be called when a feed opens at the start of a stream that is not there. */
  awaitBeginning(): void {
    this.#beginning.wait();
  }

  wait(waiter: Waiter): void {
    this.#waiting.add(waiter);
  }

  leave(waiter: Waiter): void {
    this.#waiting.delete(waiter);
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    this.options.polls.remove(this);
    this.#setLingerTimer();
    this.#waiting.clear();
    this.#pages.clear();
  }

  /** What was read before the last wake-up is stale, unless the running round reads again. */
  #endAt(offset: number): EncodedPage | undefined {
    const end = this.#knownEnd;
    if (end === null || end.page.offset !== offset) return undefined;
    const isFresh =
      end.wakes === this.#wakes || (this.#isDelivering && end.wakes >= this.#roundWakes);
    return isFresh ? end.page : undefined;
  }

  #know(life: StreamLife): StreamLife {
    const known = this.#life?.createdAt ?? null;
    if (known !== null && known !== life.createdAt) this.#forget();
    this.#life = life;
    this.#setLingerTimer();
    return life;
  }

  #forget(): void {
    this.#generation += 1;
    this.#beginning.forget();
    this.#pages.clear();
    this.#reads = null;
    this.#knownEnd = null;
    this.#life = null;
    this.#setLingerTimer();
  }

  async #load(offset: number, wakes: number, cause: ReadCause): Promise<EncodedPage> {
    const generation = this.#generation;
    let page: EncodedPage;
    try {
      page = await this.#fetch(offset, cause);
    } finally {
      if (this.#reads?.get(offset)?.wakes === wakes) this.#reads.delete(offset);
    }
    if (generation !== this.#generation || this.#isClosed) return page;
    this.#note(page);
    if (!page.isEmpty) {
      this.#beginning.see();
      this.#pages.add(page);
    }
    if (page.atEnd) this.#knownEnd = { page: page.end, wakes };
    return page;
  }

  async #fetch(offset: number, cause: ReadCause): Promise<EncodedPage> {
    const { streams, observer } = this.options;
    // A poll asks whether there is anything; who waits reads on from there.
    const limit = cause === 'poll' ? 1 : pageEvents;
    try {
      const page = new EncodedPage(await streams.getEvents(this.stream, offset, limit));
      observer.read(cause, page.isEmpty ? 'nothing' : 'events');
      return page;
    } catch (error) {
      observer.read(cause, 'failed');
      throw error;
    }
  }

  #note(page: EncodedPage): void {
    const life = this.#life;
    if (life === null) return;
    const { hasEnded, lingerUntil } = life;
    const now = performance.now();
    for (const [index, event] of page.events.entries()) life.note(event, page.offset + index, now);
    if (life.lingerUntil === lingerUntil) return;
    this.#endings += 1;
    this.#setLingerTimer();
    if (!hasEnded) this.#dateEnd();
  }

  /**
   * Has the store date the end, and goes by that. Another program's ending is dated when the store
   * is first asked; whoever comes back after the linger is to be told that all is over.
   */
  #dateEnd(): void {
    this.learn().catch((error) => this.logFailure(error));
  }

  /** One round; what arrives meanwhile leaves together in the next one. */
  async #deliver(): Promise<void> {
    this.#roundWakes = this.#wakes;
    this.#hasFailed = false;
    if (this.#life === null) await this.learn().catch((error) => this.logFailure(error));
    const wokenAt = this.#wokenAt;
    this.#wokenAt = null;
    const hasDelivered = await this.#deliverRound(wokenAt === null ? 'poll' : 'wake_up');
    if (wokenAt !== null && hasDelivered) {
      this.options.observer.caughtUp(performance.now() - wokenAt);
    }
    if (this.#wakes !== this.#roundWakes && !this.#isClosed) {
      this.#scheduleRound();
      return;
    }
    this.#isDelivering = false;
    if (!this.#isClosed) this.options.polls.putOff(this);
  }

  /** Returns whether there was something. */
  async #deliverRound(cause: ReadCause): Promise<boolean> {
    let hasDelivered = false;
    for (const offset of this.#waiting.offsets()) {
      if (await this.#deliverAt(offset, cause)) hasDelivered = true;
    }
    return hasDelivered;
  }

  async #deliverAt(offset: number, cause: ReadCause): Promise<boolean> {
    let page: EncodedPage;
    try {
      page = await this.read(offset, cause);
    } catch (error) {
      this.logFailure(error);
      return false;
    }
    const startedAt = performance.now();
    this.#waiting.release(page);
    await this.#pace.rest(startedAt);
    return !page.isEmpty;
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

  #setLingerTimer(): void {
    const until = this.#isClosed ? never : (this.#life?.lingerUntil ?? never);
    if (until !== never) this.#linger ??= new Deadline(() => this.#finishWaiting());
    // What came with the end is delivered before; then whoever waits has all of it.
    this.#linger?.set(until);
  }

  #finishWaiting(): void {
    if (!this.isOver()) this.#setLingerTimer();
    else this.#waiting.finish('ended');
  }
}

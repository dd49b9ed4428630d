import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BaseLogger } from 'pino';
import { ServiceError, toLogFields } from '../errors.js';
import { fits, type Position } from '../streams/position.js';
import type { StreamId } from '../streams/stream-id.js';
import type { StreamManager } from '../streams/stream-manager.js';
import { EncodedPage } from './encoded-page.js';
import type { FeedObserver, ReadCause } from './feed-observer.js';
import { PageCache } from './page-cache.js';
import { StreamLife } from './stream-life.js';

/** The most events of one page; its bytes are bounded by the stream manager. */
const pageEvents = 512;

export interface ReaderOptions {
  readonly streams: StreamManager;
  readonly stream: StreamId;
  /** The stream is read at least this often, wake-ups or not. */
  readonly pollIntervalMs: number;
  readonly lingerMs: number;
  readonly logger: BaseLogger;
  readonly observer: FeedObserver;
}

/** Who waits at the end of a stream. */
export interface Waiter {
  readonly position: Position;
  /** Called when there may be more at the position, or the position is no longer there. */
  pump(): void;
  /** Called when the stream has ended and its feeds have lingered. */
  finish(end: 'ended'): void;
}

/**
 * The one reader of a followed stream in this process. Subscribers have positions of their own and
 * ask it for the page at their position; whoever is at the end waits here, and one read on a
 * wake-up, or after the poll interval, serves all who wait.
 */
export class StreamReader {
  readonly #pages = new PageCache();
  readonly #reads = new Map<
    number,
    { readonly wakes: number; readonly page: Promise<EncodedPage> }
  >();
  readonly #waiting = new Set<Waiter>();
  readonly #poll: NodeJS.Timeout;
  readonly #unwatch: () => void;
  #lingerTimer: NodeJS.Timeout | null = null;
  #life: Promise<StreamLife> | null = null;
  #knownLife: StreamLife | null = null;
  #restart: Promise<StreamLife> | null = null;
  #knownEnd: { readonly position: Position; readonly wakes: number } | null = null;
  #wakes = 0;
  /** When the first wake-up came that no round has taken care of. */
  #wokenAt: number | null = null;
  /** The wake-ups that the running round of deliveries takes care of. */
  #roundWakes = 0;
  #isDelivering = false;
  #isClosed = false;

  constructor(readonly options: ReaderOptions) {
    this.#poll = setTimeout(() => this.#onPoll(), options.pollIntervalMs);
    this.#unwatch = options.streams.watch(options.stream, () => this.wake());
  }

  wake(): void {
    this.#wokenAt ??= performance.now();
    this.#startRound();
  }

  #startRound(): void {
    this.#wakes += 1;
    if (this.#isDelivering || this.#isClosed) return;
    this.#isDelivering = true;
    setImmediate(() => void this.#deliver());
  }

  /** What is known of the stream, asked for once. @throws ServiceError */
  life(): Promise<StreamLife> {
    this.#life ??= this.#learnLife();
    return this.#life;
  }

  /**
   * Forgets everything, since the stream is no longer the one that was read, and learns anew.
   * Subscribers who find that out together share one restart. @throws ServiceError
   */
  restart(): Promise<StreamLife> {
    this.#restart ??= this.#forgetAndLearn().finally(() => {
      this.#restart = null;
    });
    return this.#restart;
  }

  /** Whether feeds at the end of the stream end now. */
  isOver(): boolean {
    return this.#knownLife?.isOver(performance.now()) ?? false;
  }

  /** The page at the position if it is at hand, 'end' if the position is known to be the end. */
  peek(position: Position): EncodedPage | 'end' | undefined {
    const page = this.#pages.get(position.offset);
    if (page !== undefined && fits(position, page.tag)) return page;
    return this.#isKnownEnd(position) ? 'end' : undefined;
  }

  /** The page that begins at the offset, empty at the end and past it. @throws ServiceError */
  read(offset: number, cause: ReadCause = 'catch_up'): Promise<EncodedPage> {
    const running = this.#reads.get(offset);
    // A read that began before the last wake-up may miss what it announced.
    if (running !== undefined && running.wakes === this.#wakes) return running.page;
    const wakes = this.#wakes;
    const page = this.#load(offset, wakes, cause).finally(() => {
      if (this.#reads.get(offset)?.page === page) this.#reads.delete(offset);
    });
    this.#reads.set(offset, { wakes, page });
    return page;
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
    clearTimeout(this.#poll);
    this.#setLingerTimer(Number.POSITIVE_INFINITY);
    this.#waiting.clear();
    this.#pages.clear();
  }

  /** What was read before the last wake-up is stale, unless the running round reads again. */
  #isKnownEnd(position: Position): boolean {
    const end = this.#knownEnd;
    if (end === null || end.position.offset !== position.offset) return false;
    if (!fits(position, end.position.tag)) return false;
    return end.wakes === this.#wakes || (this.#isDelivering && end.wakes >= this.#roundWakes);
  }

  #learnLife(): Promise<StreamLife> {
    const { streams, stream, lingerMs } = this.options;
    const learning = streams.getStatus(stream).then(
      (info) => {
        const life = new StreamLife(info, lingerMs, performance.now());
        if (this.#life === learning) this.#know(life);
        return life;
      },
      (error) => {
        if (this.#life === learning) this.#life = null;
        throw error;
      },
    );
    return learning;
  }

  #know(life: StreamLife): void {
    this.#knownLife = life;
    this.#setLingerTimer(life.lingerUntil);
  }

  #forgetAndLearn(): Promise<StreamLife> {
    this.#pages.clear();
    this.#knownEnd = null;
    this.#life = null;
    this.#knownLife = null;
    this.#setLingerTimer(Number.POSITIVE_INFINITY);
    return this.life();
  }

  /** Whatever was read a poll interval ago is not wanted any more. */
  #onPoll(): void {
    this.#pages.clear();
    this.#startRound();
  }

  async #load(offset: number, wakes: number, cause: ReadCause): Promise<EncodedPage> {
    const page = await this.#fetch(offset, cause);
    this.#note(page);
    if (!page.isEmpty) this.#pages.add(page);
    if (page.atEnd) this.#knownEnd = { position: page.next, wakes };
    return page;
  }

  async #fetch(offset: number, cause: ReadCause): Promise<EncodedPage> {
    const { streams, stream, observer } = this.options;
    try {
      const page = new EncodedPage(await streams.getEvents(stream, offset, pageEvents));
      observer.read(cause, page.isEmpty ? 'nothing' : 'events');
      return page;
    } catch (error) {
      observer.read(cause, 'failed');
      throw error;
    }
  }

  #note(page: EncodedPage): void {
    const life = this.#knownLife;
    if (life === null) return;
    const { hasEnded, lingerUntil } = life;
    const now = performance.now();
    for (const [index, event] of page.events.entries()) life.note(event, page.offset + index, now);
    if (life.lingerUntil !== lingerUntil) this.#setLingerTimer(life.lingerUntil);
    if (life.hasEnded && !hasEnded) this.#dateEnd();
  }

  /**
   * Lets the store see the end now. Another program's ending is dated when the store is first
   * asked, and whoever comes back after the linger is to be told that all is over.
   */
  #dateEnd(): void {
    const { streams, stream } = this.options;
    streams.getStatus(stream).catch((error) => this.logFailure(error));
  }

  async #deliver(): Promise<void> {
    do {
      this.#roundWakes = this.#wakes;
      const wokenAt = this.#wokenAt;
      this.#wokenAt = null;
      const hasDelivered = await this.#deliverRound(wokenAt === null ? 'poll' : 'wake_up');
      if (wokenAt !== null && hasDelivered) {
        this.options.observer.caughtUp(performance.now() - wokenAt);
      }
      // One round a turn of the event loop: what arrives meanwhile leaves in one write.
      await nextTurn();
    } while (this.#wakes !== this.#roundWakes && !this.#isClosed);
    this.#isDelivering = false;
    if (!this.#isClosed) this.#poll.refresh();
  }

  /** Returns whether there was something. */
  async #deliverRound(cause: ReadCause): Promise<boolean> {
    let hasDelivered = false;
    for (const offset of new Set([...this.#waiting].map((waiter) => waiter.position.offset))) {
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
    // A copy, since whoever reaches the end waits again.
    for (const waiter of [...this.#waiting]) {
      if (waiter.position.offset !== offset) continue;
      if (page.isEmpty && fits(waiter.position, page.tag)) continue;
      this.#waiting.delete(waiter);
      waiter.pump();
    }
    return !page.isEmpty;
  }

  /** A store that is away is logged where the connection is; the next poll tries again. */
  logFailure(error: unknown): void {
    const { logger, stream } = this.options;
    if (error instanceof ServiceError)
      logger.debug({ ...stream, code: error.code }, 'A read failed');
    else logger.error({ ...stream, ...toLogFields(error) }, 'A read failed');
  }

  /** @param until by `performance.now()`; Infinity for never */
  #setLingerTimer(until: number): void {
    if (this.#lingerTimer !== null) clearTimeout(this.#lingerTimer);
    this.#lingerTimer = null;
    if (until === Number.POSITIVE_INFINITY || this.#isClosed) return;
    const delay = Math.max(until - performance.now(), 0);
    // Delivered first what came with the end; then whoever waits has all of it.
    this.#lingerTimer = setTimeout(() => this.#finishWaiting(), delay);
  }

  #finishWaiting(): void {
    for (const waiter of this.#waiting) waiter.finish('ended');
  }
}

import type { BaseLogger } from 'pino';
import { ServiceError, toLogFields } from '../errors.js';
import { fits, type Position } from '../events/position.js';
import { type Linked, LinkedList } from '../linked-list.js';
import type { StreamId } from '../store/stream-id.js';
import type { StreamManager } from '../store/stream-manager.js';
import { DeliveryLoop, type RoundReader } from './delivery-loop.js';
import { EncodedPage } from './encoded-page.js';
import type { FeedObserver, ReadCause } from './feed-observer.js';
import { Beginning } from './first-event-timer.js';
import { type PageBudget, PageCache } from './page-cache.js';
import type { Waiter } from './parked-subscribers.js';
import type { StreamLife } from './stream-life.js';
import { type Follower, StreamState } from './stream-state.js';
import { Polled, type TimerWheel } from './timer-wheel.js';
import type { TurnQueue } from './turns.js';

/** The most events of one page; its bytes are bounded by the stream manager. */
const pageEvents = 512;

/** What all readers of a process have in common. */
export interface ReaderOptions {
  readonly streams: StreamManager;
  /** A stream is read at least once in its interval, if wake-ups may be lost. */
  readonly polls: TimerWheel;
  /** In which what came of each stream is read and handed out. */
  readonly turns: TurnQueue;
  readonly lingerMs: number;
  readonly pageBudget: PageBudget;
  readonly logger: BaseLogger;
  readonly observer: FeedObserver;
}

/** A read under way; it may miss what later wake-ups announced. */
class RunningRead implements Linked<RunningRead> {
  previous: RunningRead | null = null;
  next: RunningRead | null = null;

  /** Set at once. */
  page: Promise<EncodedPage> | null = null;

  constructor(
    readonly offset: number,
    /** How many wake-ups there had been when it began. */
    readonly wakes: number,
  ) {}
}

/**
 * The one reader of a followed stream in this process. Subscribers have positions of their own and
 * ask it for the page at their position; whoever is at the end waits for its rounds, of which each
 * serves all who wait with one read, on a wake-up or after the poll interval.
 */
export class StreamFollower extends Polled implements RoundReader, Follower {
  /** How many feeds follow the stream, or are about to. */
  users = 0;
  readonly #pages: PageCache;
  readonly #beginning: Beginning;
  readonly #rounds: DeliveryLoop;
  /** Nearly always none or one. */
  readonly #reads = new LinkedList<RunningRead>();
  readonly #unwatch: () => void;
  readonly #life: StreamState;
  #restart: Promise<StreamLife> | null = null;
  /** Counts the streams of this name: what was read of one is not said of the next. */
  #generation = 0;
  #end: EncodedPage | null = null;
  /** The wake-ups before the end was read. */
  #endWakes = 0;
  #isClosed = false;

  constructor(
    readonly stream: StreamId,
    readonly options: ReaderOptions,
  ) {
    super();
    this.#pages = new PageCache(options.pageBudget);
    this.#beginning = new Beginning(options.observer);
    this.#rounds = new DeliveryLoop(this, options.turns, options.observer);
    this.#life = new StreamState(this, options);
    this.#unwatch = options.streams.watch(stream, () => this.#rounds.wake());
    options.polls.putOff(this); // last, so that nothing is left behind should `watch` throw
  }

  get isInformed(): boolean {
    return this.#life.isKnown;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Whatever was read a poll interval ago is not wanted any more. */
  override poll(): void {
    this.#pages.clear();
    this.#end = null;
    this.#rounds.poll(this.options.streams.notifiesReliably);
  }

  putOffPoll(): void {
    this.options.polls.putOff(this);
  }

  /** Asks the store what is known of the stream now. @throws ServiceError */
  learn(): Promise<StreamLife> {
    return this.#life.learn();
  }

  /**
   * Forgets everything, since the stream is no longer the one that was read, and learns anew.
   * Subscribers who find that out together share one restart. @throws ServiceError
   */
  restart(): Promise<StreamLife> {
    this.forget();
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
    return this.#life.isOver();
  }

  /**
   * The page at the position if it is at hand, an empty one if the position is known to be the end.
   *
   * @param prefersLong whether what is at hand in many short pages is read anew
   */
  peek(position: Position, prefersLong = false): EncodedPage | undefined {
    const { offset } = position;
    const page = this.#rounds.pageAt(offset) ?? this.#pages.get(offset) ?? this.#endAt(offset);
    if (page === undefined || !fits(position, page.tag)) return undefined;
    return prefersLong && this.#pages.isInPieces(page) ? undefined : page;
  }

  /** The page that begins at the offset, empty at the end and past it. @throws ServiceError */
  read(offset: number, cause: ReadCause = 'catch_up'): Promise<EncodedPage> {
    const { wakes } = this.#rounds;
    const running = this.#runningRead(offset, wakes)?.page;
    if (running) return running;
    const read = new RunningRead(offset, wakes);
    this.#reads.push(read);
    read.page = this.#load(read, cause);
    return read.page;
  }

  /** To be called when a feed opens at the start of a stream that is not there. */
  awaitBeginning(): void {
    this.#beginning.wait();
  }

  wait(waiter: Waiter): void {
    this.#rounds.wait(waiter);
  }

  leave(waiter: Waiter): void {
    this.#rounds.leave(waiter);
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    this.options.polls.remove(this);
    this.#life.close();
    this.#rounds.close();
    this.#pages.clear();
  }

  /** A store that is away is logged where the connection is; the next poll tries again. */
  logFailure(error: unknown): void {
    this.#rounds.retryLater();
    const { stream } = this;
    const { logger } = this.options;
    if (error instanceof ServiceError)
      logger.debug({ ...stream, code: error.code }, 'A read failed');
    else logger.error({ ...stream, ...toLogFields(error) }, 'A read failed');
  }

  /** What was read is not said of another stream of the same name. */
  forget(): void {
    this.#generation += 1;
    this.#beginning.forget();
    this.#pages.clear();
    this.#reads.clear();
    this.#end = null;
    this.#rounds.dropPage();
    this.#life.forget();
  }

  /** A status that knows of more than was read stands in for the wake-up that was lost. */
  onLearned({ end }: StreamLife): void {
    if (this.#end === null || end.offset <= this.#end.offset) return;
    this.#end = null;
    this.#rounds.wake();
  }

  onOver(): void {
    this.#rounds.finish();
  }

  #endAt(offset: number): EncodedPage | undefined {
    if (this.#end?.offset !== offset) return undefined;
    return this.#rounds.isFresh(this.#endWakes) ? this.#end : undefined;
  }

  async #load(read: RunningRead, cause: ReadCause): Promise<EncodedPage> {
    const { streams, observer } = this.options;
    const generation = this.#generation;
    // A poll asks whether there is anything; who waits reads on from there.
    const limit = cause === 'poll' ? 1 : pageEvents;
    let page: EncodedPage;
    try {
      page = EncodedPage.of(await streams.getEvents(this.stream, read.offset, limit));
    } catch (error) {
      observer.read(cause, 'failed');
      throw error;
    } finally {
      this.#reads.remove(read);
    }
    observer.read(cause, page.isEmpty ? 'nothing' : 'events');
    if (generation === this.#generation && !this.#isClosed) this.#keep(page, read.wakes);
    return page;
  }

  /** One that began before the last wake-up may miss what it announced. */
  #runningRead(offset: number, wakes: number): RunningRead | null {
    let read = this.#reads.first;
    while (read !== null && (read.offset !== offset || read.wakes !== wakes)) read = read.next;
    return read;
  }

  #keep(page: EncodedPage, wakes: number): void {
    this.#life.note(page);
    if (!page.isEmpty) {
      this.#beginning.see();
      // Where one feed follows, nobody comes for it: the one who asked has it.
      if (this.users > 1) this.#pages.add(page);
    }
    if (!page.atEnd) return;
    this.#end = page.end;
    this.#endWakes = wakes;
  }
}

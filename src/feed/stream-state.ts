import type { StreamId } from '../store/stream-id.js';
import type { StreamManager } from '../store/stream-manager.js';
import { Deadline, never } from './deadline.js';
import type { EncodedPage } from './encoded-page.js';
import { StreamLife } from './stream-life.js';

interface LifeOptions {
  readonly streams: Pick<StreamManager, 'getStatus'>;
  readonly lingerMs: number;
}

/** Who follows the stream. */
export interface Follower {
  readonly stream: StreamId;
  /** Called when the stream turns out to be another one of its name: it calls `forget`. */
  forget(): void;
  /** Called with each answer of the store. */
  onLearned(life: StreamLife): void;
  /** Called when the stream has ended and its feeds have lingered. */
  onOver(): void;
  logFailure(error: unknown): void;
}

/** What is known of the life of a followed stream: what the store has said, and what pages show. */
export class StreamState {
  /** Null while the stream is not known, or no longer. */
  #life: StreamLife | null = null;
  /** Counts the endings seen in pages: an answer of the store that is older is asked for again. */
  #endings = 0;
  /** Null until the stream has ended. */
  #linger: Deadline | null = null;
  #isClosed = false;

  constructor(
    readonly follower: Follower,
    readonly options: LifeOptions,
  ) {}

  get isKnown(): boolean {
    return this.#life !== null;
  }

  /** Whether feeds at the end of the stream end now. */
  isOver(): boolean {
    return this.#life?.isOver(performance.now()) ?? false;
  }

  /** Asks the store what is known of the stream now. @throws ServiceError */
  async learn(): Promise<StreamLife> {
    const { streams, lingerMs } = this.options;
    const endings = this.#endings;
    const info = await streams.getStatus(this.follower.stream);
    if (endings !== this.#endings) return this.learn();
    return this.#know(new StreamLife(info, lingerMs, performance.now()));
  }

  /** Learns from a page of the stream that was just read. */
  note({ events, offset }: EncodedPage): void {
    const life = this.#life;
    if (life === null) return;
    const { hasEnded, lingerUntil } = life;
    const now = performance.now();
    events.forEach((event, index) => void life.note(event, offset + index, now));
    if (life.lingerUntil === lingerUntil) return;
    this.#endings += 1;
    this.#setLingerTimer();
    if (!hasEnded) this.#dateEnd();
  }

  forget(): void {
    this.#life = null;
    this.#setLingerTimer();
  }

  close(): void {
    this.#isClosed = true;
    this.#setLingerTimer();
  }

  #know(life: StreamLife): StreamLife {
    const known = this.#life?.createdAt ?? null;
    if (known !== null && known !== life.createdAt) this.follower.forget();
    this.#life = life;
    this.#setLingerTimer();
    this.follower.onLearned(life);
    return life;
  }

  /**
   * Has the store date the end, and goes by that. Another program's ending is dated when the store
   * is first asked; whoever comes back after the linger is to be told that all is over.
   */
  #dateEnd(): void {
    this.learn().catch((error) => this.follower.logFailure(error));
  }

  #setLingerTimer(): void {
    const until = this.#isClosed ? never : (this.#life?.lingerUntil ?? never);
    if (until !== never) this.#linger ??= new Deadline(() => this.#endLinger());
    // What came with the end is delivered before; then whoever waits has all of it.
    this.#linger?.set(until);
  }

  #endLinger(): void {
    if (this.isOver()) this.follower.onOver();
    else this.#setLingerTimer();
  }
}

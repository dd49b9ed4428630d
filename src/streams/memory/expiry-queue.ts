import { LinkedList } from '../../linked-list.js';
import type { MemoryStream } from './memory-stream.js';

/** The clock may be set, and a timer does not notice: a long wait is made in several. */
const maxTimerMs = 1000;

/**
 * The streams in the order in which they expire. All have the same time to live, so the one
 * appended to last expires last, and one timer, for the first, is enough.
 */
export class ExpiryQueue {
  readonly #streams = new LinkedList<MemoryStream>();
  #timer: NodeJS.Timeout | null = null;

  constructor(readonly onExpired: (stream: MemoryStream) => void) {}

  /** Puts the stream, whose `expiresAt` is the latest of all, at the end. */
  renew(stream: MemoryStream): void {
    this.#streams.remove(stream);
    this.#streams.push(stream);
    if (this.#timer === null) this.#schedule();
  }

  remove(stream: MemoryStream): void {
    this.#streams.remove(stream);
  }

  /** Hands out every stream whose time has come. */
  expire(now: number): void {
    for (let { first } = this.#streams; first !== null; { first } = this.#streams) {
      if (first.expiresAt > now) return;
      this.#streams.remove(first);
      this.onExpired(first);
    }
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#streams.clear();
  }

  #schedule(): void {
    const { first } = this.#streams;
    if (first === null) return;
    const delay = Math.min(Math.max(first.expiresAt - Date.now(), 1), maxTimerMs);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.expire(Date.now());
      this.#schedule();
    }, delay);
    this.#timer.unref();
  }
}

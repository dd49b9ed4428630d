import type { ServerResponse } from 'node:http';
import { ServiceError } from '../../errors.js';

/**
 * The bytes of all bodies that are being read or worked on, whatever connection they come over. Where
 * one more has no room, the largest of those that have been coming for long is given up for it: it
 * may be meant never to end.
 */
export class BodyBudget {
  #held = 0;
  /** The shares whose bodies are still coming, and may be given up. */
  readonly coming = new Set<BodyShare>();

  /** @param yieldAfterMs after what time a body gives way to others */
  constructor(
    readonly maxBytes: number,
    readonly yieldAfterMs: number,
  ) {}

  get held(): number {
    return this.#held;
  }

  /** What one request holds of it: until its response is over in whatever way, or its work, if any. */
  share(response: ServerResponse): BodyShare {
    const share = new BodyShare(this);
    response.on('close', () => share.leave());
    return share;
  }

  /** Adds what has room. @returns whether it has */
  tryAdd(bytes: number): boolean {
    if (bytes > 0 && this.#held + bytes > this.maxBytes) return false;
    this.#held += bytes;
    return true;
  }

  /** Adds to what a share holds, or has it released. @throws ServiceError `overloaded` */
  add(bytes: number, share: BodyShare): void {
    if (this.tryAdd(bytes)) return;
    const old = this.#oldOthers(share).sort((one, other) => one.held - other.held);
    const mayHave = old.reduce((sum, { held }) => sum + held, this.maxBytes - this.#held);
    if (mayHave < bytes) {
      share.release();
      throw overloaded();
    }
    while (!this.tryAdd(bytes)) old.pop()?.giveUp(overloaded());
  }

  #oldOthers(share: BodyShare): BodyShare[] {
    const since = performance.now() - this.yieldAfterMs;
    return [...this.coming].filter((one) => one !== share && one.heldSince < since);
  }
}

export class BodyShare {
  held = 0;
  /** Since when there has been something, on the clock of `performance.now()`. */
  heldSince = 0;
  #isReleased = false;
  #isWorkedOn = false;
  #onGivenUp: (error: ServiceError) => void = () => {};

  constructor(readonly budget: BodyBudget) {}

  /** Holds this many bytes from now on; nothing, if that throws. @throws ServiceError `overloaded` */
  hold(bytes: number): void {
    if (this.#isReleased) return;
    this.budget.add(bytes - this.held, this);
    if (this.held === 0) this.heldSince = performance.now();
    this.held = bytes;
  }

  /** @param onGivenUp told when others need the room, while the body is coming */
  begin(onGivenUp: (error: ServiceError) => void): void {
    this.#onGivenUp = onGivenUp;
    if (!this.#isReleased) this.budget.coming.add(this);
  }

  /** The body has come, and is not given up any more. */
  complete(): void {
    this.budget.coming.delete(this);
  }

  giveUp(error: ServiceError): void {
    this.release();
    this.#onGivenUp(error);
  }

  /** Works on the body. Its bytes are there as long as that takes, whether the client is or not. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#isWorkedOn = true;
    try {
      return await work();
    } finally {
      this.release();
    }
  }

  /** To be called when the response is over. */
  leave(): void {
    if (!this.#isWorkedOn) this.release();
  }

  /** Gives all back, and holds nothing from then on. */
  release(): void {
    this.complete();
    this.hold(0);
    this.#isReleased = true;
  }
}

function overloaded(): ServiceError {
  const message = 'too many bytes of bodies are being read: retry later';
  return new ServiceError('overloaded', message, { retryAfterSeconds: 1 });
}

import type { ServerResponse } from 'node:http';
import { ServiceError } from '../errors.js';

/** The bytes of all bodies that are being read, whatever connection they come over. */
export class BodyBudget {
  #held = 0;

  constructor(readonly maxBytes: number) {}

  get held(): number {
    return this.#held;
  }

  /** What one request holds of it, until its response is over in whatever way. */
  share(response: ServerResponse): BodyShare {
    const share = new BodyShare((bytes) => this.#add(bytes));
    response.once('close', () => share.release());
    return share;
  }

  /** @returns false, and adds nothing, when that is too much */
  #add(bytes: number): boolean {
    if (bytes > 0 && this.#held + bytes > this.maxBytes) return false;
    this.#held += bytes;
    return true;
  }
}

export class BodyShare {
  #held = 0;
  #isReleased = false;

  constructor(readonly add: (bytes: number) => boolean) {}

  /**
   * Holds so many bytes more, or fewer.
   *
   * @throws ServiceError `overloaded`
   */
  hold(bytes: number): void {
    if (this.#isReleased) return;
    if (!this.add(bytes)) {
      throw new ServiceError('overloaded', 'too many bytes of bodies are being read: come back');
    }
    this.#held += bytes;
  }

  /** Gives all back, and holds nothing from then on. */
  release(): void {
    this.hold(-this.#held);
    this.#isReleased = true;
  }
}

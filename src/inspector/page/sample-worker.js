import { retry, sleep } from './retry.js';
import { append, readInputs, renewLease, ServiceError } from './service.js';

/** @typedef {{ event: object, pauseMs: number }} Step what is sent, and the wait after it */

/** How often a request is tried again when the service cannot be reached. */
const maxAttempts = 20;

/** A worker as any other: each event is numbered so that it may be sent again, and inputs are acknowledged. */
export class SampleWorker {
  #seq = 0;
  /** Of the next input; those before have been taken in. */
  #inputOffset = 0;
  /** What readers have decided, by the id of the approval: the first decision counts. @type {Map<string, boolean>} */
  #decisions = new Map();

  /** @param {import('./service.js').StreamId} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /**
   * @param {readonly Step[]} steps
   * @throws {ServiceError}
   */
  async play(steps) {
    for (const { event, pauseMs } of steps) {
      await this.#append(event);
      this.#seq += 1;
      await sleep(pauseMs);
    }
  }

  /**
   * Waits for the decision of a reader. Its lease tells the service that it is alive.
   *
   * @param {string} id of the approval
   * @returns {Promise<boolean | null>} null when the stream has ended without one
   * @throws {ServiceError}
   */
  async awaitApproval(id) {
    while (true) {
      const hasEnded = await this.#takeInputs();
      const decision = this.#decisions.get(id);
      if (decision !== undefined) return decision;
      if (hasEnded) return null;
      await retry(() => renewLease(this.stream, this.#inputOffset), maxAttempts);
    }
  }

  /** @param {object} event */
  async #append(event) {
    try {
      await retry(() => append(this.stream, [event], this.#seq, this.#inputOffset), maxAttempts);
    } catch (error) {
      const hasMore = error instanceof ServiceError && error.code === 'inputs_unread';
      if (!hasMore) throw error;
      await this.#takeInputs();
      await this.#append(event);
    }
  }

  /** @returns {Promise<boolean>} whether the stream has ended and no input comes any more */
  async #takeInputs() {
    const page = await retry(() => readInputs(this.stream, this.#inputOffset), maxAttempts);
    this.#inputOffset = page.nextOffset;
    for (const { type, data } of page.inputs) {
      if (type !== 'approval' || this.#decisions.has(data?.replyTo)) continue;
      this.#decisions.set(data?.replyTo, data?.approved === true);
    }
    return page.ended;
  }
}

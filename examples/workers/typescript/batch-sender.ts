import type { Delivery } from './delivery.js';
import { TryAgain } from './worker-errors.js';

/** How long events are gathered before they leave. */
const flushMs = 50;

/** Sends events in small arrays, one request after another. */
export class BatchSender {
  constructor(readonly delivery: Delivery) {}

  /** Sends one batch; when there is nothing to send, gives a sign of life. */
  async send(): Promise<void> {
    const { patience, isClosing } = this.delivery;
    const batch = await this.#nextBatch();
    if (batch.length > 0) await patience.persist(() => this.#append(batch));
    else if (!isClosing) await this.#renewLease();
  }

  async #nextBatch(): Promise<Buffer[]> {
    const { outbox, lookMs } = this.delivery;
    await this.#waitUntil(() => !outbox.isEmpty, lookMs);
    if (!outbox.isEmpty) await this.#waitUntil(() => outbox.hasFullBatch, flushMs);
    return outbox.batchFrom(outbox.nextSeq);
  }

  async #waitUntil(condition: () => boolean, ms: number): Promise<void> {
    const { delivery } = this;
    const until = performance.now() + ms;
    while (!delivery.isClosing && !condition() && performance.now() < until) {
      await delivery.bell.heard(until - performance.now());
    }
  }

  async #append(batch: readonly Buffer[]): Promise<void> {
    const { client, outbox } = this.delivery;
    const seq = outbox.nextSeq;
    try {
      await client.append(batch, seq);
      this.delivery.acknowledge(seq + batch.length);
    } catch (error) {
      this.delivery.rewindOnGap(error);
    }
  }

  /** Tells the service that the worker lives, and learns whether it should. */
  async #renewLease(): Promise<void> {
    try {
      this.delivery.checkStatus(await this.delivery.client.renewLease());
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error; // the next look, or an append, will tell
    }
  }
}

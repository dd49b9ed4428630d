import type { Delivery } from './delivery.js';
import type { Inputs } from './inputs.js';
import { InputsUnread, TryAgain } from './worker-errors.js';

/** How long events are gathered before they leave. */
const flushMs = 50;

/** Sends events in small arrays, one request after another. */
export class BatchSender {
  constructor(readonly delivery: Delivery) {}

  /** Sends one batch; when there is nothing to send, renews the lease. Then reads the new inputs. */
  async send(): Promise<void> {
    const { backoff, isClosing } = this.delivery;
    const batch = await this.#nextBatch();
    if (batch.length > 0) await backoff.retry(() => this.#append(batch));
    else if (!isClosing) await this.#renewLease();
    if (this.delivery.inputs?.hasUnread) await this.#readInputs(this.delivery.inputs);
  }

  async #nextBatch(): Promise<Buffer[]> {
    const { outbox, checkMs } = this.delivery;
    await this.#waitUntil(() => !outbox.isEmpty, checkMs);
    if (!outbox.isEmpty) await this.#waitUntil(() => outbox.hasFullBatch, flushMs);
    return outbox.batchFrom(outbox.nextSeq);
  }

  async #waitUntil(condition: () => boolean, ms: number): Promise<void> {
    const { delivery } = this;
    const until = performance.now() + ms;
    while (!delivery.isClosing && !condition() && performance.now() < until) {
      await delivery.notifier.wait(until - performance.now());
    }
  }

  async #append(batch: readonly Buffer[]): Promise<void> {
    const { client, outbox } = this.delivery;
    const seq = outbox.nextSeq;
    try {
      const response = await client.append(batch, seq, this.delivery.ackBefore(seq + batch.length));
      this.delivery.countInputs(response);
      this.delivery.acknowledge(seq + batch.length);
    } catch (error) {
      if (error instanceof InputsUnread) this.delivery.withdrawEnd(error);
      else this.delivery.rewindOnGap(error);
    }
  }

  /** Renews the lease, and checks whether the stream was stopped. */
  async #renewLease(): Promise<void> {
    try {
      this.delivery.checkStatus(await this.delivery.client.renewLease());
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error; // the next check, or an append, will tell
    }
  }
  async #readInputs(inputs: Inputs): Promise<void> {
    try {
      inputs.add(await this.delivery.client.readInputs(inputs.readCount));
      this.delivery.notifier.notify();
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error; // read after the next append or check
    }
  }
}

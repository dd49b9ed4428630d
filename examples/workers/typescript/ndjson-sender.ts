import type { Delivery } from './delivery.js';
import { checkResponse } from './service-client.js';
import { Upload } from './upload.js';
import { TryAgain } from './worker-errors.js';

/** Proxies take a silent connection for a dead one, and the service does after five minutes. */
const silenceMs = 15_000;

/** When nothing that was sent is stored for this long, the connection is dead. */
const stuckMs = 10_000;

/**
 * Sends each event as it comes, over one request that stays open. Events count as stored
 * when a check of the status, once a second, says so.
 */
export class NdjsonSender {
  #storedAt = 0;

  constructor(readonly delivery: Delivery) {}

  async send(): Promise<void> {
    await this.delivery.backoff.retry(() => this.#sendOneRequest());
  }

  async #sendOneRequest(): Promise<void> {
    const { client, outbox, notifier, checkMs } = this.delivery;
    await this.delivery.refresh();
    if (this.delivery.isDone) return;
    this.#storedAt = performance.now();
    const upload = new Upload(client, outbox.nextSeq, () => notifier.notify());
    const checks = setInterval(() => void this.#checkStream(upload), checkMs);
    try {
      await this.#sendEvents(upload);
      await this.#finish(upload);
    } finally {
      clearInterval(checks);
      upload.close();
    }
  }

  /** Sends events as they come, until all are sent or there is a response. */
  async #sendEvents(upload: Upload): Promise<void> {
    const { outbox, notifier } = this.delivery;
    while (!upload.isOver) {
      const events = upload.isFull ? [] : outbox.batchFrom(upload.nextSeq);
      if (events.length > 0) upload.send(events);
      else if (this.delivery.isClosing && !upload.isFull) return upload.finish();
      else if (upload.silentMs > silenceMs) upload.sendBlankLine();
      else await notifier.wait(silenceMs);
    }
  }

  async #finish(upload: Upload): Promise<void> {
    const { status, text } = await upload.response();
    try {
      checkResponse(status, text);
      this.delivery.acknowledge(upload.nextSeq);
    } catch (error) {
      this.delivery.rewindOnGap(error);
    }
  }

  async #checkStream(upload: Upload): Promise<void> {
    const { outbox, backoff } = this.delivery;
    const before = outbox.nextSeq;
    try {
      await this.delivery.refresh();
      backoff.reset();
    } catch (error) {
      // A service that is away now may respond to the open request later.
      if (!(error instanceof TryAgain)) upload.abandon(error as Error);
    }
    const now = performance.now();
    if (outbox.nextSeq > before || outbox.nextSeq === upload.nextSeq) this.#storedAt = now;
    else if (now - this.#storedAt > stuckMs) upload.abandon(stuck());
  }
}

function stuck(): TryAgain {
  return new TryAgain(`nothing that was sent was stored for ${stuckMs / 1000} s`);
}

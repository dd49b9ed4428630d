import type { Delivery } from './delivery.js';
import { judge } from './service-client.js';
import { Upload } from './upload.js';
import { TryAgain } from './worker-errors.js';

/** Proxies take a silent connection for a dead one, and the service does after five minutes. */
const silenceMs = 15_000;

/** When so long nothing of what was sent is stored, the connection is lost without a sign. */
const stuckMs = 10_000;

/**
 * Sends each event as it comes, over one request that stays open. Events count as stored when a
 * look at the service, once a second, says so.
 */
export class NdjsonSender {
  #storedAt = 0;

  constructor(readonly delivery: Delivery) {}

  async send(): Promise<void> {
    await this.delivery.patience.persist(() => this.#sendOneRequest());
  }

  async #sendOneRequest(): Promise<void> {
    const { client, outbox, bell, lookMs } = this.delivery;
    await this.delivery.learn();
    if (this.delivery.isDone) return;
    this.#storedAt = performance.now();
    const upload = new Upload(client, outbox.nextSeq, () => bell.ring());
    const looking = setInterval(() => void this.#look(upload), lookMs);
    try {
      await this.#feed(upload);
      await this.#settle(upload);
    } finally {
      clearInterval(looking);
      upload.close();
    }
  }

  /** Sends events as they come, until all are sent or there is an answer. */
  async #feed(upload: Upload): Promise<void> {
    const { outbox, bell } = this.delivery;
    while (!upload.isOver) {
      const events = upload.isFull ? [] : outbox.batchFrom(upload.nextSeq);
      if (events.length > 0) upload.send(events);
      else if (this.delivery.isClosing && !upload.isFull) return upload.finish();
      else if (upload.silentMs > silenceMs) upload.sendBlankLine();
      else await bell.heard(silenceMs);
    }
  }

  async #settle(upload: Upload): Promise<void> {
    const { status, text } = await upload.answer();
    try {
      judge(status, text);
      this.delivery.acknowledge(upload.nextSeq);
    } catch (error) {
      this.delivery.rewindOnGap(error);
    }
  }

  async #look(upload: Upload): Promise<void> {
    const { outbox, patience } = this.delivery;
    const before = outbox.nextSeq;
    try {
      await this.delivery.learn();
      patience.renew();
    } catch (error) {
      // A service that is away now may answer the open request later.
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

import type { AgentEvent } from './delivery.js';
import { Inputs } from './inputs.js';
import type { Input } from './service-client.js';
import { Worker, type WorkerOptions } from './worker.js';

/**
 * A worker that readers can answer and steer, as it takes in the inputs of its stream. It sends in batches.
 *
 * The first event that is appended after inputs were taken acknowledges them in the same step: a
 * worker that takes over is given the inputs whose event was not stored.
 */
export class SteerableWorker extends Worker {
  readonly #inputs = new Inputs();

  constructor(options: Omit<WorkerOptions, 'mode'>) {
    super({ ...options, mode: 'batches' });
    this.delivery.inputs = this.#inputs; // before the first response comes
  }

  /** The inputs that have come and were not taken yet, in order; waits for none. @throws WorkerEnded */
  takeInputs(): Input[] {
    this.signal.throwIfAborted();
    return this.#inputs.takeAll();
  }

  /** The first input that replies to this event; others are left to `takeInputs`. @throws WorkerEnded */
  async waitForReply(eventId: string): Promise<Input> {
    let reply = this.#inputs.takeReply(eventId);
    while (reply === undefined) {
      await this.#change();
      reply = this.#inputs.takeReply(eventId);
    }
    return reply;
  }

  /**
   * Ends the stream and returns true, or returns false as there are inputs to take first. The same
   * event by `append` ends the stream over unread inputs too.
   *
   * @throws WorkerEnded
   */
  async end(event: AgentEvent): Promise<boolean> {
    const { delivery } = this;
    this.#inputs.mustBeRead = true;
    await this.append(event);
    while (!delivery.outbox.isEmpty || !(delivery.hasEnded || this.#inputs.hasWaiting)) {
      await this.#change();
    }
    this.#inputs.mustBeRead = false;
    return delivery.hasEnded;
  }

  async #change(): Promise<void> {
    this.signal.throwIfAborted();
    await this.delivery.notifier.wait(this.delivery.checkMs);
    this.signal.throwIfAborted();
  }
}

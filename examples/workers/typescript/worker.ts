import { BatchSender } from './batch-sender.js';
import { type AgentEvent, Delivery } from './delivery.js';
import { NdjsonSender } from './ndjson-sender.js';
import { ServiceClient } from './service-client.js';

/** `ndjson` keeps one request open; proxies in between must not buffer request bodies. */
export type Mode = 'batches' | 'ndjson';

export interface WorkerOptions {
  /** Of the message: `…/sessions/:sid/messages/:mid`. */
  readonly url: string;
  /** Higher than that of every worker before; no two workers of a stream may share it. */
  readonly epoch: number;
  /** Shared by workers that take over from one another. */
  readonly producerId?: string;
  /** The service ends the stream when it hears nothing for that long; 1 to 3600. */
  readonly leaseSeconds?: number;
  /** How long the worker tries to reach a service that is away. */
  readonly giveUpMs?: number;
  readonly mode?: Mode;
  /** Of every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The worker's side of Rejoin: appends events to one stream, each once. */
export class Worker {
  protected readonly delivery: Delivery;
  readonly #sending: Promise<void>;

  constructor(options: WorkerOptions) {
    const { url, epoch, producerId = 'agent', leaseSeconds = 30, giveUpMs = 60_000 } = options;
    const client = new ServiceClient(url, producerId, {
      ...options.headers,
      'producer-id': producerId,
      'producer-epoch': String(epoch),
      'producer-lease': String(leaseSeconds),
    });
    this.delivery = new Delivery({ client, epoch, leaseSeconds, giveUpMs });
    this.#sending = this.#send(options.mode ?? 'batches');
  }

  /** Aborted, with a `WorkerEnded` as its reason, when the agent has to stop. */
  get signal(): AbortSignal {
    return this.delivery.signal;
  }

  /** Takes one event, and waits only while too many wait to be stored. @throws WorkerEnded */
  async append(event: AgentEvent): Promise<void> {
    await this.delivery.add(event);
  }

  /** Resolves when all events are stored. @throws WorkerEnded */
  async close(): Promise<void> {
    this.delivery.close();
    await this.#sending;
    this.signal.throwIfAborted();
  }

  async #send(mode: Mode): Promise<void> {
    const { delivery } = this;
    const sender = mode === 'ndjson' ? new NdjsonSender(delivery) : new BatchSender(delivery);
    try {
      await delivery.backoff.retry(() => delivery.begin());
      while (!delivery.isDone) await sender.send();
    } catch (error) {
      delivery.fail(error); // thrown again where the agent can see it
    }
  }
}

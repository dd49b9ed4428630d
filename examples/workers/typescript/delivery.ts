import { Bell } from './bell.js';
import { Outbox } from './outbox.js';
import { Patience } from './patience.js';
import type { Answer, ServiceClient } from './service-client.js';
import { AppendRefused, ProducerFenced, ProducerGap, StreamEnded } from './worker-errors.js';

/** A silent worker looks this often whether its stream was stopped. */
const longestLookMs = 1000;

export interface AgentEvent {
  readonly type: string;
  readonly id?: string;
  readonly content?: string;
  readonly done?: boolean;
  readonly timestamp?: string;
  readonly data?: object;
}

export interface DeliveryOptions {
  readonly client: ServiceClient;
  readonly epoch: number;
  readonly leaseSeconds: number;
  readonly giveUpMs: number;
}

/** What both ways of sending share: what waits, what is known of the stream, how it ends. */
export class Delivery {
  readonly outbox = new Outbox();
  /** Rings when events were added or stored, when an answer came, and when the worker closes. */
  readonly bell = new Bell();
  readonly patience: Patience;
  isClosing = false;
  readonly #end = new AbortController();
  /** Whether the agent itself has ended the stream. */
  #hasEnded = false;

  constructor(readonly options: DeliveryOptions) {
    this.patience = new Patience(options.giveUpMs);
  }

  get client(): ServiceClient {
    return this.options.client;
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  get isDone(): boolean {
    return this.isClosing && this.outbox.isEmpty;
  }

  get lookMs(): number {
    return Math.min(longestLookMs, (this.options.leaseSeconds * 1000) / 3);
  }

  async add(event: AgentEvent): Promise<void> {
    while (!this.signal.aborted && !this.outbox.hasRoom()) await this.bell.heard(longestLookMs);
    this.signal.throwIfAborted();
    this.outbox.add(Buffer.from(JSON.stringify(event)));
    this.#hasEnded ||= endsStream(event);
    this.bell.ring();
  }

  close(): void {
    this.isClosing = true;
    this.bell.ring();
  }

  fail(error: unknown): void {
    this.#end.abort(error);
    this.bell.ring();
  }

  /** @throws AppendRefused when the epoch was used before: events would be taken for retries */
  async begin(): Promise<void> {
    const { epoch } = this.options;
    const { producer } = await this.learn();
    if (producer?.epoch !== epoch) return;
    throw new AppendRefused(`epoch ${epoch} is in use; take a higher one`);
  }

  /** What is known of the stream; acknowledges what is stored. */
  async learn(): Promise<Answer> {
    const status = await this.client.status();
    const { epoch = -1, nextSeq = 0 } = status.producer ?? {};
    if (epoch > this.options.epoch) {
      throw new ProducerFenced(`a worker with epoch ${epoch} has taken over`);
    }
    if (epoch === this.options.epoch) this.acknowledge(nextSeq);
    this.checkStatus(status);
    return status;
  }

  /** @throws StreamEnded when it was not the agent that has ended it */
  checkStatus({ streamStatus = 'open' }: Answer): void {
    if (streamStatus !== 'open' && !this.#hasEnded) throw new StreamEnded(streamStatus);
  }

  acknowledge(seq: number): void {
    if (seq > this.outbox.nextSeq) this.patience.renew();
    this.outbox.acknowledge(seq);
    this.bell.ring();
  }

  /** Goes on where the service is, if what it misses is still kept; throws any other error. */
  rewindOnGap(error: unknown): void {
    if (!(error instanceof ProducerGap)) throw error;
    this.outbox.rewind(error.expectedSeq);
  }
}

function endsStream({ type, done }: AgentEvent): boolean {
  return type === 'complete' || type === 'stop' || (type === 'error' && done === true);
}

import { Backoff } from './backoff.js';
import type { Inputs } from './inputs.js';
import { Notifier } from './notifier.js';
import { Outbox } from './outbox.js';
import type { ResponseBody, ServiceClient } from './service-client.js';
import {
  AppendRejected,
  type InputsUnread,
  ProducerFenced,
  ProducerGap,
  StreamEnded,
} from './worker-errors.js';

/** A silent worker checks this often whether its stream was stopped. */
const maxCheckMs = 1000;

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
  /** Notifies when events are added or stored, when a response comes, and when the worker closes. */
  readonly notifier = new Notifier();
  readonly backoff: Backoff;
  isClosing = false;
  /** Of a worker that takes in inputs. */
  inputs: Inputs | null = null;
  readonly #end = new AbortController();
  /** Whether the agent itself has ended the stream. */
  #hasEnded = false;

  constructor(readonly options: DeliveryOptions) {
    this.backoff = new Backoff(options.giveUpMs);
  }

  get client(): ServiceClient {
    return this.options.client;
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get isDone(): boolean {
    return this.isClosing && this.outbox.isEmpty;
  }

  get checkMs(): number {
    return Math.min(maxCheckMs, (this.options.leaseSeconds * 1000) / 3);
  }

  async add(event: AgentEvent): Promise<void> {
    while (!this.signal.aborted && !this.outbox.hasRoom()) await this.notifier.wait(maxCheckMs);
    this.signal.throwIfAborted();
    this.outbox.add(Buffer.from(JSON.stringify(event)));
    this.inputs?.acknowledgeBy(this.outbox.endSeq - 1);
    this.#hasEnded ||= endsStream(event);
    this.notifier.notify();
  }

  close(): void {
    this.isClosing = true;
    this.notifier.notify();
  }

  fail(error: unknown): void {
    this.#end.abort(error);
    this.notifier.notify();
  }

  /** @throws AppendRejected when the epoch was used before: events would be taken for retries */
  async begin(): Promise<void> {
    const { epoch } = this.options;
    const { producer, inputs } = await this.refresh();
    if (producer?.epoch === epoch) {
      throw new AppendRejected(`epoch ${epoch} is in use; take a higher one`);
    }
    this.inputs?.beginAt(inputs?.ackOffset ?? 0);
  }

  /** Gets the status of the stream, and acknowledges what is stored. */
  async refresh(): Promise<ResponseBody> {
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
  checkStatus(status: ResponseBody): void {
    this.countInputs(status);
    const { streamStatus = 'open' } = status;
    if (streamStatus !== 'open' && !this.#hasEnded) throw new StreamEnded(streamStatus);
  }

  acknowledge(seq: number): void {
    if (seq > this.outbox.nextSeq) this.backoff.reset();
    this.outbox.acknowledge(seq);
    this.notifier.notify();
  }

  /** How many inputs the events before this sequence number acknowledge; null when they do not. */
  ackBefore(seq: number): number | null {
    const { inputs } = this;
    if (inputs === null || (this.#hasEnded && !inputs.mustBeRead)) return null;
    return inputs.ackBefore(seq);
  }

  countInputs({ inputs }: ResponseBody): void {
    if (inputs !== undefined) this.inputs?.count(inputs.nextOffset);
  }

  /** Takes the end back: nothing of its batch is stored, and all the rest is sent again. */
  withdrawEnd({ inputCount }: InputsUnread): void {
    this.inputs?.count(inputCount);
    this.outbox.removeLast();
    this.#hasEnded = false;
    this.notifier.notify();
  }

  /** Goes on where the service is, if what it lacks is still kept; throws any other error. */
  rewindOnGap(error: unknown): void {
    if (!(error instanceof ProducerGap)) throw error;
    this.outbox.rewind(error.expectedSeq);
  }
}

function endsStream({ type, done }: AgentEvent): boolean {
  return type === 'complete' || type === 'stop' || (type === 'error' && done === true);
}

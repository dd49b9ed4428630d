import type { StoredEvent } from '../../src/events/event.js';
import type { StoredInput } from '../../src/events/parse-inputs.js';
import type { ProducerStamp } from '../../src/store/append-rules.js';
import type { AppendOptions } from '../../src/store/stream-manager.js';

/** What an append or a status comes to: a result, or a rejection with its code. */
export type Outcome = Readonly<Record<string, unknown>> | null;

/** One stream as the contract has it, without time and without leases: what a store must be like. */
export class ModelStream {
  events: StoredEvent[] = [];
  status = 'open';
  inputs: StoredInput[] = [];
  #ackOffset = 0;
  readonly #producers = new Map<string, { epoch: number; nextSeq: number }>();

  constructor(
    readonly maxEvents: number,
    readonly maxInputs: number,
  ) {}

  /** What this producer is expected to send next in this epoch. */
  expectedSeq(id: string, epoch: number): number {
    const known = this.#producers.get(id);
    return known?.epoch === epoch ? known.nextSeq : 0;
  }

  /** The checks in the order of the contract: older epoch, gap, inputs, stored already, ended, limits. */
  append(events: readonly StoredEvent[], { producer, inputsAckOffset }: AppendOptions): Outcome {
    if (producer && this.#isFenced(producer)) return { code: 'producer_fenced', stored: 0 };
    const expectedSeq = producer ? this.expectedSeq(producer.id, producer.epoch) : 0;
    const skipped = producer ? Math.min(expectedSeq - producer.seq, events.length) : 0;
    if (skipped < 0) return { code: 'producer_gap', stored: 0, expectedSeq };
    const rest = events.slice(skipped);
    const gap = this.#ackGap(inputsAckOffset);
    // A store sends the rest of a batch once more, and so may count what it skips.
    if (gap !== null) return { ...gap, stored: skipped };
    const rejection =
      rest.length === 0 ? null : (this.#rejectionOf(rest) ?? this.#unread(rest, inputsAckOffset));
    if (rejection !== null) return { ...rejection, stored: skipped };
    this.#acknowledge(inputsAckOffset);
    const offset = this.events.length;
    this.#store(rest);
    if (producer && rest.length > 0) this.#advance(producer, producer.seq + events.length);
    const inputsNextOffset = this.inputs.length;
    return { offset, nextOffset: this.events.length, count: rest.length, inputsNextOffset };
  }

  renew(producer: Pick<ProducerStamp, 'id' | 'epoch'>, inputsAckOffset?: number): Outcome {
    if (this.events.length === 0) return null;
    if (this.#isFenced(producer)) return { code: 'producer_fenced', stored: 0 };
    const gap = this.status === 'open' ? this.#ackGap(inputsAckOffset) : null;
    if (gap !== null) return { ...gap, stored: 0 };
    if (this.status === 'open') this.#acknowledge(inputsAckOffset);
    return { nextOffset: this.events.length, status: this.status, inputs: this.#progress };
  }

  send(inputs: readonly StoredInput[]): Outcome {
    if (this.events.length === 0) return null;
    const known = (id: string) => this.inputs.find((input) => input.id === id);
    const added = inputs.filter(({ id }) => known(id) === undefined);
    const isConflict = inputs.some(({ id, checksum }) => {
      return known(id) !== undefined && known(id)?.checksum !== checksum;
    });
    if (isConflict) return { code: 'input_conflict', stored: 0 };
    const stored = inputs.length - added.length;
    if (added.length > 0 && this.status !== 'open') return { ...ended(this.status), stored };
    const isFull = added.length > 0 && this.inputs.length + added.length > this.maxInputs;
    if (isFull) return { code: 'inputs_full', stored };
    const offset = this.inputs.length;
    this.inputs.push(...added);
    return { offset, nextOffset: this.inputs.length, count: added.length };
  }

  info(id: string): Outcome {
    if (this.events.length === 0) return null;
    const producer = this.#producers.get(id) ?? null;
    const inputs = this.#progress;
    return { nextOffset: this.events.length, status: this.status, producer, inputs };
  }

  delete(): void {
    this.events = [];
    this.inputs = [];
    this.#ackOffset = 0;
    this.status = 'open';
    this.#producers.clear();
  }

  get #progress() {
    return { nextOffset: this.inputs.length, ackOffset: this.#ackOffset };
  }

  #ackGap(offset = 0): Outcome {
    const inputs = { nextOffset: this.inputs.length };
    return offset > this.inputs.length ? { code: 'inputs_gap', inputs } : null;
  }

  #acknowledge(offset = 0): void {
    this.#ackOffset = Math.max(this.#ackOffset, offset);
  }

  #unread(events: readonly StoredEvent[], offset: number | undefined): Outcome {
    const isEnd = events.some(({ ending }) => ending !== null);
    if (!isEnd || offset === undefined) return null;
    const isUnread = Math.max(this.#ackOffset, offset) < this.inputs.length;
    const inputs = { nextOffset: this.inputs.length };
    return isUnread ? { code: 'inputs_unread', inputs } : null;
  }

  #isFenced({ id, epoch }: Pick<ProducerStamp, 'id' | 'epoch'>): boolean {
    return epoch < (this.#producers.get(id)?.epoch ?? 0);
  }

  #rejectionOf(events: readonly StoredEvent[]): Outcome {
    const others = events.filter(({ type }) => type !== 'session_title');
    const end = others.findIndex(({ ending }) => ending !== null);
    if (end !== -1 && end < others.length - 1) return ended(others[end]?.ending as string);
    if (this.status !== 'open' && others.length > 0) return ended(this.status);
    const counted = events.filter(({ ending }) => ending === null).length;
    const isFull = counted > 0 && this.events.length + counted > this.maxEvents;
    return isFull ? { code: 'stream_full' } : null;
  }

  #store(events: readonly StoredEvent[]): void {
    this.events.push(...events);
    if (this.status === 'open') this.status = events.find((e) => e.ending)?.ending ?? 'open';
  }

  #advance({ id, epoch }: ProducerStamp, nextSeq: number): void {
    this.#producers.set(id, { epoch, nextSeq });
  }
}

function ended(streamStatus: string): Outcome {
  return { code: 'stream_ended', streamStatus };
}

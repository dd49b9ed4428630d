import type { StoredEvent } from '../../src/events/event.js';
import type { ProducerStamp } from '../../src/store/append-rules.js';

/** What an append or a status comes to: a result, or a rejection with its code. */
export type Outcome = Readonly<Record<string, unknown>> | null;

/** One stream as the contract has it, without time and without leases: what a store must be like. */
export class ModelStream {
  events: StoredEvent[] = [];
  status = 'open';
  readonly #producers = new Map<string, { epoch: number; nextSeq: number }>();

  constructor(readonly maxEvents: number) {}

  /** What this producer is expected to send next in this epoch. */
  expectedSeq(id: string, epoch: number): number {
    const known = this.#producers.get(id);
    return known?.epoch === epoch ? known.nextSeq : 0;
  }

  /** The checks in the order of the contract: older epoch, stored already, gap, ended, limits. */
  append(events: readonly StoredEvent[], producer?: ProducerStamp): Outcome {
    if (producer && this.#isFenced(producer)) return { code: 'producer_fenced', stored: 0 };
    const expectedSeq = producer ? this.expectedSeq(producer.id, producer.epoch) : 0;
    const skipped = producer ? Math.min(expectedSeq - producer.seq, events.length) : 0;
    if (skipped < 0) return { code: 'producer_gap', stored: 0, expectedSeq };
    const rest = events.slice(skipped);
    const rejection = rest.length === 0 ? null : this.#rejectionOf(rest);
    if (rejection !== null) return { ...rejection, stored: skipped };
    const offset = this.events.length;
    this.#store(rest);
    if (producer && rest.length > 0) this.#advance(producer, producer.seq + events.length);
    return { offset, nextOffset: this.events.length, count: rest.length };
  }

  renew(producer: Pick<ProducerStamp, 'id' | 'epoch'>): Outcome {
    if (this.events.length === 0) return null;
    if (this.#isFenced(producer)) return { code: 'producer_fenced', stored: 0 };
    return { nextOffset: this.events.length, status: this.status };
  }

  info(id: string): Outcome {
    if (this.events.length === 0) return null;
    const producer = this.#producers.get(id) ?? null;
    return { nextOffset: this.events.length, status: this.status, producer };
  }

  delete(): void {
    this.events = [];
    this.status = 'open';
    this.#producers.clear();
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

import { AppendRejected } from './worker-errors.js';

const batchEvents = 200;
const batchBytes = 256 * 1024;

/** What is held at most: events that wait, and stored ones in case the service loses them. */
const outboxBytes = 8 * 1024 * 1024;

/** What an event takes beside its text. */
const eventOverheadBytes = 100;

/** Events as JSON texts, by sequence number. Those before `nextSeq` are stored. */
export class Outbox {
  #nextSeq = 0;
  #firstSeq = 0;
  readonly #events: Buffer[] = [];
  #bytes = 0;

  get nextSeq(): number {
    return this.#nextSeq;
  }

  get endSeq(): number {
    return this.#firstSeq + this.#events.length;
  }

  get isEmpty(): boolean {
    return this.#nextSeq === this.endSeq;
  }

  get hasFullBatch(): boolean {
    return this.endSeq - this.#nextSeq >= batchEvents;
  }

  /** Drops the oldest stored events when that makes room. */
  hasRoom(): boolean {
    let count = 0;
    while (this.#bytes > outboxBytes && this.#firstSeq + count < this.#nextSeq) {
      this.#bytes -= bytesOf(this.#events[count] as Buffer);
      count += 1;
    }
    this.#events.splice(0, count);
    this.#firstSeq += count;
    return this.#bytes <= outboxBytes;
  }

  add(event: Buffer): void {
    this.#events.push(event);
    this.#bytes += bytesOf(event);
  }

  removeLast(): void {
    this.#bytes -= bytesOf(this.#events.pop() as Buffer);
  }

  /** The events of one batch, of which the first may be larger than a batch should be. */
  batchFrom(seq: number): Buffer[] {
    const first = seq - this.#firstSeq;
    const events = this.#events.slice(first, first + batchEvents);
    let bytes = 0;
    const surplus = events.findIndex((event, index) => {
      bytes += event.length;
      return index > 0 && bytes > batchBytes;
    });
    return surplus === -1 ? events : events.slice(0, surplus);
  }

  acknowledge(seq: number): void {
    this.#nextSeq = Math.max(this.#nextSeq, Math.min(seq, this.endSeq));
  }

  /** @throws AppendRejected when the events that the service lacks are gone here too */
  rewind(seq: number): void {
    if (seq < this.#firstSeq || seq > this.endSeq) {
      throw new AppendRejected(`the service has lost events: it expects ${seq}, no longer kept`);
    }
    this.#nextSeq = seq;
  }
}

function bytesOf(event: Buffer): number {
  return event.length + eventOverheadBytes;
}

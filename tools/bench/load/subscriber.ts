import { DeliveryCheck } from './delivery-check.js';
import {
  nowUs,
  numberOf,
  sentAtUsOf,
  stampBytes,
  stampMarker,
  streamOf,
  writerOf,
} from './event-stamp.js';
import type { LatencyHistogram } from './latency-histogram.js';
import { openConnection, type RawConnection } from './raw-connection.js';

interface SubscriberOptions {
  readonly port: number;
  readonly path: string;
  readonly stream: number;
  readonly writers: number;
  readonly latency: LatencyHistogram;
  readonly onFault: (reason: string) => void;
  /** Whether it keeps the id of the last event, to resume from it. */
  readonly keepsId?: boolean;
}

const endOfHead = '\r\n\r\n';

/** More than a frame of the benchmark has. */
const maxTailLength = 1024;

/**
 * A reader of one feed, which checks every event that comes. It passes over the chunks of the
 * transfer encoding: none of the systems ends one within an event.
 */
export class Subscriber {
  readonly check: DeliveryCheck;
  /** Whether the feed has begun. */
  isOpen = false;
  #head = '';
  /** The beginning of a stamp whose rest is still to come. */
  #begun: Buffer | null = null;
  #receivedAtUs = 0;
  /** From the stamp of the last frame but one to that of the last. */
  #frameBytes = stampBytes;

  /** The last that came, as far as an id may be in it. */
  #tail = '';
  #connection: RawConnection | null = null;

  private constructor(readonly options: SubscriberOptions) {
    this.check = new DeliveryCheck(options.stream, options.writers);
  }

  static async open(options: SubscriberOptions): Promise<Subscriber> {
    const subscriber = new Subscriber(options);
    await subscriber.#request('');
    return subscriber;
  }

  close(): void {
    const connection = this.#connection;
    if (connection === null) return;
    connection.onEnd = () => {};
    connection.socket.destroy();
    this.#connection = null;
    this.isOpen = false;
  }

  /** Opens the feed again, from the last event on. */
  async resume(): Promise<void> {
    const ids = [...this.#tail.matchAll(/^id: (\S+)$/gm)];
    const id = ids.at(-1)?.[1];
    if (id === undefined) throw new Error('a reader has no id to resume from');
    this.#head = '';
    this.#begun = null;
    await this.#request(`Last-Event-ID: ${id}\r\n`);
  }

  async #request(header: string): Promise<void> {
    const { port, path, onFault } = this.options;
    const connection = await openConnection(port);
    this.#connection = connection;
    connection.onEnd = (reason) => onFault(`a reader: ${reason}`);
    connection.onBytes = (bytes) => this.#onBytes(bytes);
    const head = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n`;
    connection.socket.write(`${head}${header}\r\n`);
  }

  #onBytes(bytes: Buffer): void {
    this.#receivedAtUs = nowUs();
    if (this.options.keepsId) {
      this.#tail = (this.#tail + bytes.toString('latin1')).slice(-maxTailLength);
    }
    if (!this.isOpen) this.#onHead(bytes);
    else if (this.#begun === null) this.#scan(bytes, 0);
    else this.#complete(this.#begun, bytes);
    if (this.check.fault !== null) this.options.onFault(this.check.fault);
  }

  #onHead(bytes: Buffer): void {
    this.#head += bytes.toString('latin1');
    const end = this.#head.indexOf(endOfHead);
    if (end === -1) return;
    if (!this.#head.startsWith('HTTP/1.1 200')) this.options.onFault(`a feed was ${this.#head}`);
    this.isOpen = true;
    this.#scan(Buffer.from(this.#head, 'latin1'), end + endOfHead.length);
  }

  #scan(bytes: Buffer, from: number): void {
    let at = bytes.indexOf(stampMarker, from);
    while (at !== -1 && at + stampBytes <= bytes.length) {
      this.#take(bytes, at);
      at = this.#nextStamp(bytes, at);
    }
    this.#begun = at === -1 ? null : Buffer.from(bytes.subarray(at));
  }

  /**
   * Frames that follow each other are mostly of one length, and checking there first costs less than
   * a search. A stamp that was passed over would be missed: `check` sees the gap.
   */
  #nextStamp(bytes: Buffer, at: number): number {
    if (bytes[at + this.#frameBytes] === stampMarker) return at + this.#frameBytes;
    const next = bytes.indexOf(stampMarker, at + stampBytes);
    if (next !== -1) this.#frameBytes = next - at;
    return next;
  }

  #complete(begun: Buffer, bytes: Buffer): void {
    const stamp = Buffer.concat([begun, bytes.subarray(0, stampBytes - begun.length)]);
    if (stamp.length < stampBytes) {
      this.#begun = stamp;
      return;
    }
    this.#take(stamp, 0);
    this.#scan(bytes, stampBytes - begun.length);
  }

  #take(bytes: Buffer, at: number): void {
    this.check.note(streamOf(bytes, at), writerOf(bytes, at), numberOf(bytes, at));
    this.options.latency.add(this.#receivedAtUs - sentAtUsOf(bytes, at));
  }
}

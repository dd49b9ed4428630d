import {
  nowUs,
  stampBytes,
  stampMarker,
  writeMoment,
  writeOrigin,
} from '../../bench/load/event-stamp.js';
import { openConnection, type RawConnection } from '../../bench/load/raw-connection.js';
import { ResponseReader } from '../../bench/load/response-reader.js';
import type { Server } from '../../bench/systems/system.js';

const eventsPerRequest = 8;
const contentBytes = 16 * 1024;

/** Appends a hundred kilobytes at a time to one stream, as its writer 0. */
export class BulkProducer {
  storedEvents = 0;
  requests = 0;
  /** The first thing that was wrong; nothing is sent after it. */
  #fault: string | null = null;
  #sent = 0;
  readonly #body = Buffer.from(bodyText());
  readonly #head: string;
  readonly #stamps: readonly number[];
  readonly #responses = new ResponseReader();
  readonly #timer: NodeJS.Timeout;

  private constructor(
    readonly connection: RawConnection,
    path: string,
    stream: number,
    everyMs: number,
  ) {
    this.#head = [
      `POST ${path} HTTP/1.1`,
      'Host: 127.0.0.1',
      'Content-Type: application/json',
      `Content-Length: ${this.#body.length}`,
      '\r\n',
    ].join('\r\n');
    this.#stamps = [...stampsIn(this.#body)];
    for (const at of this.#stamps) writeOrigin(this.#body, at, stream, 0);
    connection.onEnd = (reason) => this.#fail(reason);
    connection.onBytes = (bytes) => this.#onBytes(bytes);
    this.#timer = setInterval(() => this.#send(), everyMs);
  }

  /** @param everyMs how often it sends, when the request before has its response */
  static async begin(server: Server, stream: number, everyMs: number): Promise<BulkProducer> {
    const connection = await openConnection(server.writerPort);
    return new BulkProducer(connection, server.appendPath(stream), stream, everyMs);
  }

  get storedMib(): number {
    return (this.storedEvents * contentBytes) / 2 ** 20;
  }

  /** Whether all that was sent is stored. @throws Error when something was not */
  get isIdle(): boolean {
    if (this.#fault !== null) throw new Error(`the fast producer: ${this.#fault}`);
    return this.#sent === this.storedEvents;
  }

  /** Sends no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  close(): void {
    this.stop();
    this.connection.onEnd = () => {};
    this.connection.socket.destroy();
  }

  #send(): void {
    if (this.#sent !== this.storedEvents) return;
    for (const at of this.#stamps) {
      writeMoment(this.#body, at, this.#sent, nowUs());
      this.#sent += 1;
    }
    this.connection.socket.write(this.#head);
    this.connection.socket.write(Buffer.from(this.#body));
  }

  #onBytes(bytes: Buffer): void {
    try {
      if (!this.#responses.push(bytes)) return;
      this.requests += 1;
      this.storedEvents = this.#sent;
    } catch (error) {
      this.#fail((error as Error).message);
    }
  }

  #fail(reason: string): void {
    this.#fault ??= reason;
    this.stop();
  }
}

function bodyText(): string {
  const stamp = `~${'0'.repeat(stampBytes - 1)}`;
  const event = { type: 'answer', content: stamp.padEnd(contentBytes, ' ') };
  return JSON.stringify(Array(eventsPerRequest).fill(event));
}

function* stampsIn(body: Buffer): Generator<number> {
  for (let at = body.indexOf(stampMarker); at !== -1; at = body.indexOf(stampMarker, at + 1)) {
    yield at;
  }
}

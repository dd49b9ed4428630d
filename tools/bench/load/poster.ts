import {
  emptyId,
  eventText,
  nowUs,
  stampMarker,
  writeId,
  writeMoment,
  writeOrigin,
} from './event-stamp.js';
import type { WrittenStream } from './ledger.js';
import { openConnection, type RawConnection } from './raw-connection.js';
import { ResponseReader } from './response-reader.js';

/** A stream that a poster writes to, and the number that it has among the writers of it. */
export interface Target {
  readonly path: string;
  readonly stream: number;
  readonly writer: number;
  /** Whether it numbers its appends, with the headers of a producer. */
  readonly isProducer: boolean;
  /** Whether each event has an id of its own. */
  readonly needsIds: boolean;
}

interface PosterOptions {
  readonly port: number;
  readonly targets: readonly Target[];
  readonly onFault: (reason: string) => void;
}

/**
 * A worker that appends single events on one keep-alive connection, one request at a time: to one
 * stream, or to several in turn.
 */
export class Poster {
  /** How many appends have their response. */
  stored = 0;
  /** Called when a response has come and nothing waits. */
  onIdle: () => void = () => {};
  readonly #connection: RawConnection;
  readonly #requests: readonly PreparedRequest[];
  readonly #responses = new ResponseReader();
  /** When the events were due that wait for the connection. */
  #waiting: number[] = [];
  #sent = 0;

  private constructor({ targets, onFault }: PosterOptions, connection: RawConnection) {
    this.#requests = targets.map((target) => new PreparedRequest(target));
    this.#connection = connection;
    connection.onEnd = (reason) => onFault(`a writer: ${reason}`);
    connection.onBytes = (bytes) => {
      try {
        if (this.#responses.push(bytes)) this.#onResponse();
      } catch (error) {
        onFault((error as Error).message);
      }
    };
  }

  static async open(options: PosterOptions): Promise<Poster> {
    return new Poster(options, await openConnection(options.port));
  }

  get isIdle(): boolean {
    return this.stored === this.#sent;
  }

  /** Whether an event waits for the response to one before. */
  get isBehind(): boolean {
    return this.#waiting.length > 0;
  }

  /** What it sent; when it is idle, that is stored. */
  get sent(): WrittenStream[] {
    return this.#requests.map(({ target, sent }) => ({ stream: target.stream, events: sent }));
  }

  /** Appends an event as soon as the connection is free; its time counts from now on. */
  post(): void {
    if (this.isIdle) this.#send(nowUs());
    else this.#waiting.push(nowUs());
  }

  /** Appends an event to each of its streams. */
  postToEach(): void {
    for (let count = 0; count < this.#requests.length; count += 1) this.post();
  }

  /** Sends no more of what still waits. */
  stop(): void {
    this.onIdle = () => {};
    this.#waiting = [];
  }

  close(): void {
    this.#connection.socket.destroy();
  }

  #send(dueAtUs: number): void {
    const request = this.#requests[this.#sent % this.#requests.length] as PreparedRequest;
    this.#sent += 1;
    this.#connection.socket.write(request.next(dueAtUs));
  }

  #onResponse(): void {
    this.stored += 1;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#send(next);
    else this.onIdle();
  }
}

/** Room for a sequence number: spaces before the value of a header are no part of it. */
const noNumber = ' '.repeat(10);

/** The bytes of a request, in which only the stamp, the id and the sequence number change. */
class PreparedRequest {
  sent = 0;
  readonly #bytes: Buffer;
  readonly #stampAt: number;
  readonly #idAt: number;
  /** Where the sequence number ends. */
  readonly #numberEnd: number;

  constructor(readonly target: Target) {
    const body = target.needsIds ? eventText(emptyId) : eventText();
    const head = [
      `POST ${target.path} HTTP/1.1`,
      'Host: 127.0.0.1',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      ...(target.isProducer
        ? [`Producer-Id: w${target.writer}`, 'Producer-Epoch: 0', `Producer-Seq:${noNumber}`]
        : []),
    ];
    this.#bytes = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
    this.#stampAt = this.#bytes.indexOf(stampMarker);
    this.#idAt = this.#bytes.indexOf(emptyId);
    this.#numberEnd = this.#bytes.indexOf(noNumber) + noNumber.length;
    writeOrigin(this.#bytes, this.#stampAt, target.stream, target.writer);
  }

  /** The bytes are those of before, which have left when their response has come. */
  next(dueAtUs: number): Buffer {
    const { writer, needsIds, isProducer } = this.target;
    writeMoment(this.#bytes, this.#stampAt, this.sent, dueAtUs);
    if (needsIds) writeId(this.#bytes, this.#idAt, writer, this.sent);
    if (isProducer) {
      const number = String(this.sent);
      this.#bytes.write(number, this.#numberEnd - number.length, 'latin1');
    }
    this.sent += 1;
    return this.#bytes;
  }
}

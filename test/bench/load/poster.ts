import { AnswerReader } from './answer-reader.js';
import { eventText, nowUs, stampMarker, writeMoment, writeOrigin } from './event-stamp.js';
import { openConnection, type RawConnection } from './raw-connection.js';

interface PosterOptions {
  readonly port: number;
  readonly path: string;
  readonly stream: number;
  readonly writer: number;
  readonly onFault: (reason: string) => void;
}

/** A worker that appends single events on one keep-alive connection, one request at a time. */
export class Poster {
  /** How many appends were answered. */
  stored = 0;
  /** Called when an answer has come and nothing waits. */
  onIdle: () => void = () => {};
  readonly stream: number;
  readonly #connection: RawConnection;
  readonly #request: Buffer;
  readonly #stampAt: number;
  readonly #answers = new AnswerReader();
  /** When the events were due that wait for the connection. */
  readonly #waiting: number[] = [];
  #sent = 0;

  private constructor(options: PosterOptions, connection: RawConnection) {
    const body = eventText();
    const head = `POST ${options.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n`;
    this.#request = Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    this.#stampAt = this.#request.indexOf(stampMarker);
    writeOrigin(this.#request, this.#stampAt, options.stream, options.writer);
    this.stream = options.stream;
    this.#connection = connection;
    connection.onEnd = (reason) => options.onFault(`a writer: ${reason}`);
    connection.onBytes = (bytes) => {
      try {
        if (this.#answers.push(bytes)) this.#onAnswer();
      } catch (error) {
        options.onFault((error as Error).message);
      }
    };
  }

  static async open(options: PosterOptions): Promise<Poster> {
    return new Poster(options, await openConnection(options.port));
  }

  get isIdle(): boolean {
    return this.stored === this.#sent;
  }

  /** Appends an event as soon as the connection is free; its time counts from now on. */
  post(): void {
    if (this.isIdle) this.#send(nowUs());
    else this.#waiting.push(nowUs());
  }

  close(): void {
    this.#connection.socket.destroy();
  }

  #send(dueAtUs: number): void {
    writeMoment(this.#request, this.#stampAt, this.#sent, dueAtUs);
    this.#sent += 1;
    this.#connection.socket.write(this.#request);
  }

  #onAnswer(): void {
    this.stored += 1;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#send(next);
    else this.onIdle();
  }
}

import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestMs, type ServiceClient } from './service-client.js';
import { TryAgain, WorkerEnded } from './worker-errors.js';

export interface ReceivedAnswer {
  readonly status: number;
  readonly text: string;
}

/** One NDJSON request, whose answer may come at any time. */
export class Upload {
  /** Whether there is an answer, or there will be none. */
  isOver = false;
  readonly #request: ClientRequest;
  readonly #answer: Promise<ReceivedAnswer>;
  #sentAt = performance.now();

  /**
   * @param nextSeq the sequence number of the event that is sent next
   * @param onChange called when the socket takes more, and when the request is over
   */
  constructor(
    client: ServiceClient,
    public nextSeq: number,
    readonly onChange: () => void,
  ) {
    this.#request = open(client, nextSeq);
    this.#request.on('drain', onChange);
    this.#answer = receive(this.#request).finally(() => {
      this.isOver = true;
      onChange();
    });
    this.#answer.catch(() => {}); // `answer` reports it
  }

  get isFull(): boolean {
    return this.#request.writableNeedDrain;
  }

  get silentMs(): number {
    return performance.now() - this.#sentAt;
  }

  send(events: readonly Buffer[]): void {
    this.#write(`${events.join('\n')}\n`);
    this.nextSeq += events.length;
  }

  sendBlankLine(): void {
    this.#write('\n');
  }

  finish(): void {
    this.#request.end();
  }

  /** @throws TryAgain when there is none, or what the request was abandoned for */
  async answer(): Promise<ReceivedAnswer> {
    const tooLate = sleep(requestMs, undefined, { ref: false }).then(() => {
      throw new TryAgain('no answer');
    });
    return Promise.race([this.#answer, tooLate]);
  }

  abandon(error: Error): void {
    this.#request.destroy(error);
  }

  close(): void {
    this.#request.destroy();
  }

  #write(text: string): void {
    this.#request.write(text);
    this.#sentAt = performance.now();
  }
}

function open({ url, headers }: ServiceClient, seq: number): ClientRequest {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  const own = { 'content-type': 'application/x-ndjson', 'producer-seq': String(seq) };
  const sent = request(`${url}/events`, {
    method: 'POST',
    headers: { ...headers, ...own },
    agent: false,
  });
  sent.flushHeaders();
  return sent;
}

async function receive(request: ClientRequest): Promise<ReceivedAnswer> {
  request.on('error', () => {}); // `once` and the response report it
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return { status: response.statusCode as number, text };
  } catch (error) {
    if (error instanceof WorkerEnded || error instanceof TryAgain) throw error;
    throw new TryAgain((error as Error).message, { cause: error });
  }
}

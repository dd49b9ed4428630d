import type { ClientRequest } from 'node:http';
import { openRequest, type ReceivedResponse, receive, withTimeout } from './http-request.js';
import type { ServiceClient } from './service-client.js';

/** One NDJSON request, whose response may come at any time. */
export class Upload {
  /** Whether there is a response, or there will be none. */
  isOver = false;
  readonly #request: ClientRequest;
  readonly #response: Promise<ReceivedResponse>;
  #sentAt = performance.now();

  /**
   * @param nextSeq the sequence number of the event that is sent next
   * @param onChange called when the socket has room again, and when the request is over
   */
  constructor(
    client: ServiceClient,
    public nextSeq: number,
    readonly onChange: () => void,
  ) {
    this.#request = open(client, nextSeq);
    this.#request.on('drain', onChange);
    this.#response = receive(this.#request).finally(() => {
      this.isOver = true;
      onChange();
    });
    this.#response.catch(() => {}); // `response` reports it
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
  async response(): Promise<ReceivedResponse> {
    return withTimeout(this.#request, this.#response);
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
  const own = { 'content-type': 'application/x-ndjson', 'producer-seq': String(seq) };
  const request = openRequest(`${url}/events`, {
    method: 'POST',
    headers: { ...headers, ...own },
    agent: false,
  });
  request.flushHeaders();
  return request;
}

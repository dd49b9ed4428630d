import { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { openRequest, receive, withTimeout } from './http-request.js';
import {
  AppendRejected,
  InputsUnread,
  ProducerFenced,
  ProducerGap,
  StreamEnded,
  TryAgain,
} from './worker-errors.js';

/** The members of all response bodies that a worker needs. */
export interface ResponseBody {
  readonly code?: string;
  readonly detail?: string;
  readonly streamStatus?: string;
  readonly expectedSeq?: number;
  readonly inputs?: { readonly nextOffset: number; readonly ackOffset?: number };
  readonly producer?: { readonly epoch: number; readonly nextSeq: number } | null;
}

/** What a reader has sent to the worker: `message`, `approval` and `answer` are the usual types. */
export interface Input {
  readonly type: string;
  readonly id: string;
  readonly content: string;
  /** `replyTo` is the id of the event that it replies to. */
  readonly data?: { readonly replyTo?: string; readonly approved?: boolean };
  /** Who has sent it, where the service has keys or tokens. */
  readonly by?: string;
}

export interface InputPage {
  readonly inputs: readonly Input[];
  readonly nextOffset: number;
}

/** Returns the body of a 2xx. @throws what another status means */
export function checkResponse(status: number, text: string): ResponseBody {
  const body = parseObject(text);
  const { code, detail } = body;
  if (status < 300) return body;
  if (code === 'stream_ended') throw new StreamEnded(String(body.streamStatus));
  if (code === 'producer_fenced') throw new ProducerFenced(detail);
  if (code === 'producer_gap') throw new ProducerGap(Number(body.expectedSeq));
  if (code === 'inputs_unread') throw new InputsUnread(Number(body.inputs?.nextOffset));
  if (status === 408 || status === 429 || status >= 500) throw new TryAgain(`${status} ${code}`);
  throw new AppendRejected(`${status} ${code}: ${detail}`);
}

function parseObject(text: string): ResponseBody {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {}; // of a proxy, say
  }
}

/** The routes of one stream, over a connection that is kept. */
export class ServiceClient {
  readonly #agent: Agent;

  /** @param headers that go with every request */
  constructor(
    readonly url: string,
    readonly producerId: string,
    readonly headers: Readonly<Record<string, string>>,
  ) {
    const options = { keepAlive: true };
    this.#agent = url.startsWith('https:') ? new HttpsAgent(options) : new Agent(options);
  }

  /**
   * Appends the events, of which the first has this sequence number, all or none.
   *
   * @param ack how many inputs the events acknowledge; null for none
   */
  async append(events: readonly Buffer[], seq: number, ack: number | null): Promise<ResponseBody> {
    const headers = {
      'content-type': 'application/json',
      'producer-seq': String(seq),
      ...(ack !== null && { 'inputs-ack-offset': String(ack) }),
    };
    return this.#call('POST', '/events', headers, `[${events.join(',')}]`);
  }

  /** An unknown stream is an empty object, here and below. */
  async renewLease(): Promise<ResponseBody> {
    return this.#call('POST', '/lease');
  }

  async status(): Promise<ResponseBody> {
    return this.#call('GET', `?producer=${encodeURIComponent(this.producerId)}`);
  }

  async readInputs(offset: number): Promise<InputPage> {
    return (await this.#call('GET', `/inputs?offset=${offset}`)) as unknown as InputPage;
  }

  async #call(method: string, path: string, headers = {}, body?: string): Promise<ResponseBody> {
    const request = openRequest(this.url + path, {
      method,
      headers: { ...this.headers, ...headers },
      agent: this.#agent,
    });
    request.end(body);
    const { status, text } = await withTimeout(request, receive(request));
    return status === 404 && path !== '/events' ? {} : checkResponse(status, text);
  }
}

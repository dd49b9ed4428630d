import { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { inTime, openRequest, receive } from './exchange.js';
import {
  AppendRefused,
  ProducerFenced,
  ProducerGap,
  StreamEnded,
  TryAgain,
} from './worker-errors.js';

/** The members of all answers that a worker looks at. */
export interface Answer {
  readonly code?: string;
  readonly detail?: string;
  readonly streamStatus?: string;
  readonly expectedSeq?: number;
  readonly producer?: { readonly epoch: number; readonly nextSeq: number } | null;
}

/** Returns the JSON of a good answer. @throws what another one means */
export function judge(status: number, text: string): Answer {
  const answer = parseObject(text);
  const { code, detail } = answer;
  if (status < 300) return answer;
  if (code === 'stream_ended') throw new StreamEnded(String(answer.streamStatus));
  if (code === 'producer_fenced') throw new ProducerFenced(detail);
  if (code === 'producer_gap') throw new ProducerGap(Number(answer.expectedSeq));
  if (status === 408 || status === 429 || status >= 500) throw new TryAgain(`${status} ${code}`);
  throw new AppendRefused(`${status} ${code}: ${detail}`);
}

function parseObject(text: string): Answer {
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

  /** Appends the events, of which the first has this sequence number, all or none. */
  async append(events: readonly Buffer[], seq: number): Promise<void> {
    const headers = { 'content-type': 'application/json', 'producer-seq': String(seq) };
    await this.#call('POST', '/events', headers, `[${events.join(',')}]`);
  }

  /** Tells that the worker lives. An unknown stream is an empty answer, here and below. */
  async renewLease(): Promise<Answer> {
    return this.#call('POST', '/lease');
  }

  async status(): Promise<Answer> {
    return this.#call('GET', `?producer=${encodeURIComponent(this.producerId)}`);
  }

  async #call(method: string, path: string, headers = {}, body?: string): Promise<Answer> {
    const request = openRequest(this.url + path, {
      method,
      headers: { ...this.headers, ...headers },
      agent: this.#agent,
    });
    request.end(body);
    const { status, text } = await inTime(request, receive(request));
    return status === 404 && path !== '/events' ? {} : judge(status, text);
  }
}

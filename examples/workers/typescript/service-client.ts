import {
  AppendRefused,
  ProducerFenced,
  ProducerGap,
  StreamEnded,
  TryAgain,
} from './worker-errors.js';

/** How long one request may take. */
export const requestMs = 10_000;

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

/** The routes of one stream. */
export class ServiceClient {
  /** @param headers that go with every request */
  constructor(
    readonly url: string,
    readonly producerId: string,
    readonly headers: Readonly<Record<string, string>>,
  ) {}

  /** Appends the events, of which the first has this sequence number, all or none. */
  async append(events: readonly Buffer[], seq: number): Promise<void> {
    const headers = { 'content-type': 'application/json', 'producer-seq': String(seq) };
    await this.#request('/events', { method: 'POST', headers, body: `[${events.join(',')}]` });
  }

  /** Tells that the worker lives. An unknown stream is an empty answer, here and below. */
  async renewLease(): Promise<Answer> {
    return this.#request('/lease', { method: 'POST' });
  }

  async status(): Promise<Answer> {
    return this.#request(`?producer=${encodeURIComponent(this.producerId)}`, {});
  }

  async #request(path: string, init: RequestInit): Promise<Answer> {
    const { status, text } = await this.#exchange(path, init);
    return status === 404 && path !== '/events' ? {} : judge(status, text);
  }

  async #exchange(path: string, init: RequestInit): Promise<{ status: number; text: string }> {
    const headers = { ...this.headers, ...(init.headers as Record<string, string>) };
    const signal = AbortSignal.timeout(requestMs);
    try {
      const response = await fetch(this.url + path, { ...init, headers, signal });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      const { cause, message } = error as Error;
      throw new TryAgain(cause instanceof Error ? cause.message : message, { cause: error });
    }
  }
}

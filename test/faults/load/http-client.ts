import { Agent, request } from 'undici';

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** After this long without an answer a worker gives up; the service should be far quicker. */
const patienceMs = 15_000;

/** What producers send their requests with: keep-alive, one request at a time on a connection. */
export class HttpClient {
  readonly #agent = new Agent({
    pipelining: 1,
    headersTimeout: patienceMs,
    bodyTimeout: patienceMs,
    connectTimeout: patienceMs,
  });

  /** @throws when no answer comes */
  async send(
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    headers: Record<string, string> = {},
    body: string | null = null,
  ): Promise<Answer> {
    const answer = await request(url, { method, headers, body, dispatcher: this.#agent });
    const text = await answer.body.text();
    return { status: answer.statusCode, body: text === '' ? {} : JSON.parse(text) };
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

import { Agent, request } from 'undici';

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** After this long without an answer a worker gives up; the service should be far quicker. */
const patienceMs = 30_000;

/** What producers send their requests with: keep-alive, one request at a time on a connection. */
export class HttpClient {
  readonly #agent = new Agent({
    pipelining: 1,
    headersTimeout: patienceMs,
    bodyTimeout: patienceMs,
    connectTimeout: patienceMs,
  });

  /** @throws when no answer comes */
  async post(url: string, headers: Record<string, string>, body: string): Promise<Answer> {
    const options = { method: 'POST', headers, body, dispatcher: this.#agent } as const;
    const answer = await request(url, options);
    const problem = (await answer.body.json()) as Answer['body'];
    return { status: answer.statusCode, body: problem };
  }

  /** @throws when no answer comes, or another one than 200 */
  async getText(url: string): Promise<string> {
    const answer = await request(url, { dispatcher: this.#agent });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}: ${text}`);
    return text;
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

import { Agent, request } from 'undici';

export interface PostResponse {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** After this long without a response a worker gives up; the service should be far quicker. */
const timeoutMs = 30_000;

/** What producers send their requests with: keep-alive, one request at a time on a connection. */
export class HttpClient {
  readonly #agent = new Agent({
    pipelining: 1,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connectTimeout: timeoutMs,
  });

  /** @throws when no response comes */
  async post(url: string, headers: Record<string, string>, body: string): Promise<PostResponse> {
    const options = { method: 'POST', headers, body, dispatcher: this.#agent } as const;
    const response = await request(url, options);
    const problem = (await response.body.json()) as PostResponse['body'];
    return { status: response.statusCode, body: problem };
  }

  /** @throws when no response comes, or another one than 200 */
  async getText(url: string): Promise<string> {
    const response = await request(url, { dispatcher: this.#agent });
    const text = await response.body.text();
    if (response.statusCode !== 200)
      throw new Error(`${url} responded ${response.statusCode}: ${text}`);
    return text;
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

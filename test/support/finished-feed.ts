/** A feed that was read to its end, and what a client gets that comes back to it. */
export class FinishedFeed {
  readonly #pieces: Buffer[] = [];
  readonly #rests = new Map<string, Promise<Buffer>>();

  /**
   * @param url with a query
   * @param headers of each request
   */
  constructor(
    readonly url: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  /** What has come so far. */
  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  async read(): Promise<void> {
    const { body } = await fetch(this.url, { headers: this.headers });
    for await (const piece of body as ReadableStream<Uint8Array>) {
      this.#pieces.push(Buffer.from(piece));
    }
  }

  /** What is left for a client with this last id; asked for once. */
  from(id: string): Promise<Buffer> {
    const rest = this.#rests.get(id) ?? this.#fetchFrom(id);
    this.#rests.set(id, rest);
    return rest;
  }

  async #fetchFrom(id: string): Promise<Buffer> {
    if (id === '') return this.#fetch(this.url);
    const byHeader = await this.#fetch(this.url, { 'last-event-id': id });
    const byQuery = await this.#fetch(`${this.url}&lastEventId=${encodeURIComponent(id)}`);
    if (!byQuery.equals(byHeader)) throw new Error(`?lastEventId=${id} is not as the header`);
    return byHeader;
  }

  async #fetch(url: string, headers: Record<string, string> = {}): Promise<Buffer> {
    const response = await fetch(url, { headers: { ...this.headers, ...headers } });
    return Buffer.from(await response.arrayBuffer());
  }
}

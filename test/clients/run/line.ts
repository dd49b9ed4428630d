import type { Fate, Fault, Side } from '../../support/tcp-proxy.js';

/** Where a frame is torn: `data:` line, `id:` line, empty line. */
export const tears = [
  'in a character',
  'before the id',
  'in the id',
  'before the empty line',
] as const;
export type Tear = (typeof tears)[number];

/** What passes between one client and the service, and what happens to it there. */
export class Line {
  /** How often the client has asked. */
  requests = 0;
  /** How often its token was rejected. */
  rejections = 0;
  #open = new Set<object>();
  readonly #holes = new WeakSet<object>();
  #tear: { readonly text: string; readonly place: Tear } | null = null;

  readonly fault: Fault = (chunk, from, connection) => this.#fateOf(chunk, from, connection);

  /** From now on nothing comes through what is open, and yet it stays open. */
  swallowAll(): void {
    for (const connection of this.#open) this.#holes.add(connection);
    this.#open = new Set();
  }

  /** Cuts the connection within the frame that holds this text. */
  tearFrameOf(text: string, place: Tear): void {
    this.#tear = { text, place };
  }

  get hasTorn(): boolean {
    return this.#tear === null;
  }

  #fateOf(chunk: Buffer, from: Side, connection: object): Fate {
    this.#open.add(connection);
    if (this.#holes.has(connection)) return 'swallowed';
    const head = chunk.toString('latin1', 0, 12);
    if (from === 'client') {
      if (head.startsWith('GET ')) this.requests += 1;
      return chunk.length;
    }
    if (head === 'HTTP/1.1 401') this.rejections += 1;
    const end = this.#tear === null ? -1 : endOf(chunk, this.#tear.text, this.#tear.place);
    if (end === -1) return chunk.length;
    this.#tear = null;
    return end;
  }
}

/** How many bytes of the chunk come; -1 when the frame is not in it. */
function endOf(chunk: Buffer, text: string, place: Tear): number {
  const data = chunk.indexOf(text);
  if (data === -1) return -1;
  if (place === 'in a character') return chunk.indexOf('🙂', data) + 2;
  const id = chunk.indexOf('\nid: ', data) + 1;
  if (id === 0) return data + text.length; // a feed for the AI SDK has no ids
  if (place === 'before the id') return id;
  return place === 'in the id' ? id + 'id: '.length + 1 : chunk.indexOf('\n', id) + 1;
}

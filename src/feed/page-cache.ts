import type { EncodedPage } from './encoded-page.js';

/** What one followed stream may hold of encoded pages, for subscribers who come to them soon. */
const maxCachedBytes = 512 * 1024;

/** The pages read last, by the offset at which they begin. */
export class PageCache {
  readonly #pages = new Map<number, EncodedPage>();
  #bytes = 0;

  get(offset: number): EncodedPage | undefined {
    return this.#pages.get(offset);
  }

  add(page: EncodedPage): void {
    this.#delete(page.offset);
    this.#pages.set(page.offset, page);
    this.#bytes += bytesOf(page);
    for (const oldest of this.#pages.keys()) {
      if (this.#bytes <= maxCachedBytes || this.#pages.size === 1) return;
      this.#delete(oldest);
    }
  }

  clear(): void {
    this.#pages.clear();
    this.#bytes = 0;
  }

  #delete(offset: number): void {
    const page = this.#pages.get(offset);
    if (page === undefined) return;
    this.#pages.delete(offset);
    this.#bytes -= bytesOf(page);
  }
}

function bytesOf(page: EncodedPage): number {
  return page.events.reduce((bytes, event) => bytes + event.bytes.length, 0);
}

import type { EncodedPage } from './encoded-page.js';

/** How many bytes of pages one followed stream may hold, for subscribers that come to them soon. */
const maxStreamBytes = 8 * 1024 * 1024;

/** How many bytes all followed streams of a process may hold, and one page for each beyond that. */
const maxBytes = 64 * 1024 * 1024;

/** This many pages in place of one are worth a read of the store. */
const manyPages = 8;

/** Counts what the caches of all streams hold together. */
export class PageBudget {
  bytes = 0;
}

/** The pages of one stream that were read last, by the offset at which they begin. */
export class PageCache {
  /** Null while there are none, as for most streams at most times. */
  #pages: Map<number, EncodedPage> | null = null;
  #bytes = 0;

  constructor(readonly budget: PageBudget) {}

  get(offset: number): EncodedPage | undefined {
    return this.#pages?.get(offset);
  }

  /** Whether many short pages follow here that were read as they came: one read gives a long one. */
  isInPieces(first: EncodedPage): boolean {
    let page: EncodedPage | undefined = first;
    for (let count = 1; count < manyPages && page?.atEnd; count += 1) {
      page = this.#pages?.get(page.next.offset);
    }
    return page?.atEnd === true;
  }

  add(page: EncodedPage): void {
    this.#pages ??= new Map();
    this.#delete(this.#pages, page.offset);
    this.#pages.set(page.offset, page);
    this.#count(bytesOf(page));
    for (const oldest of this.#pages.keys()) {
      if (!this.#isTooLarge() || this.#pages.size === 1) return;
      this.#delete(this.#pages, oldest);
    }
  }

  clear(): void {
    if (this.#pages === null) return;
    this.#pages = null;
    this.#count(-this.#bytes);
  }

  #isTooLarge(): boolean {
    return this.#bytes > maxStreamBytes || this.budget.bytes > maxBytes;
  }

  #delete(pages: Map<number, EncodedPage>, offset: number): void {
    const page = pages.get(offset);
    if (page === undefined) return;
    pages.delete(offset);
    this.#count(-bytesOf(page));
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.budget.bytes += bytes;
  }
}

/** As text and as frames, which are made when they are first asked for. */
function bytesOf(page: EncodedPage): number {
  return 2 * page.storedBytes;
}

import type { EncodedPage } from './encoded-page.js';

/** Max bytes of cached pages of one stream, for subscribers that need them soon. */
const maxStreamBytes = 8 * 1024 * 1024;

/** Max bytes of cached pages of all streams of a process; each may keep one page beyond that. */
const maxBytes = 64 * 1024 * 1024;

/** Number of short pages that are worth a read of one long page instead. */
const manyPages = 8;

/** Counts the bytes in the caches of all streams. */
export class PageBudget {
  bytes = 0;
}

/** The pages of one stream that were read last, by their first offset. */
export class PageCache {
  /** Null while there are no pages, as for most streams at most times. */
  #pages: Map<number, EncodedPage> | null = null;
  #bytes = 0;

  constructor(readonly budget: PageBudget) {}

  get(offset: number): EncodedPage | undefined {
    return this.#pages?.get(offset);
  }

  /** Whether many short pages follow, which one read would return as a long one. */
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

/** Size of a page with its frames, which are encoded on first use. */
function bytesOf(page: EncodedPage): number {
  return 2 * page.storedBytes;
}

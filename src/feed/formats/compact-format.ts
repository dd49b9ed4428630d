import type { Chunk } from '../../sse/chunk.js';
import { encodeFrames } from '../../sse/frame.js';
import type { EncodedPage } from '../encoded-page.js';
import { NativeFormat, type NativeOptions } from './feed-format.js';
import { foldEvents } from './fold-events.js';

/** The native format, with each run of chunks in one frame. All feeds share the bytes of a page. */
export class CompactFormat extends NativeFormat {
  override readonly prefersLongPages = true;
  readonly #framesOf = new WeakMap<EncodedPage, Chunk | null>();

  /** @param maxEventBytes max size of a folded event */
  constructor(
    options: NativeOptions,
    readonly maxEventBytes: number,
  ) {
    super(options);
  }

  override encode(page: EncodedPage): Chunk | null {
    const known = this.#framesOf.get(page);
    if (known !== undefined) return known;
    const frames = this.#fold(page);
    this.#framesOf.set(page, frames);
    return frames;
  }

  #fold(page: EncodedPage): Chunk | null {
    if (page.events.length === 1) return page.frames(this.isNamed);
    const folded = foldEvents(page.events, this.maxEventBytes);
    if (folded.length === page.events.length) return page.frames(this.isNamed);
    const frames = folded.map(({ event, lastIndex }) =>
      page.frameOf(event, lastIndex, this.isNamed),
    );
    return encodeFrames(frames);
  }
}

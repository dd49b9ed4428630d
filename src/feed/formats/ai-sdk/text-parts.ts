import type { UiMessageChunk } from './chunk-schema.js';
import type { EventRecord } from './event-record.js';

/** The kinds of text in a message. */
export type TextKind = 'text' | 'reasoning';

interface TextPart {
  readonly kind: TextKind;
  readonly id: string;
}

/** The open text and reasoning parts of one message. */
export class TextParts {
  readonly #open = new Map<string, TextPart>();
  /** The part that an event without an id continues. */
  #unnamed: TextPart | null = null;
  #unnamedCount = 0;

  /** The chunks for one event of text or reasoning. */
  take(kind: TextKind, { id, content, done }: EventRecord): UiMessageChunk[] {
    const part = id === null ? this.#unnamedOf(kind) : { kind, id };
    const chunks = part === this.#unnamed ? [] : this.interrupt();
    if (id === null) this.#unnamed = part;
    if (content !== '' && !this.isOpen(part)) chunks.push(this.begin(part));
    if (content !== '') chunks.push({ type: `${kind}-delta`, id: part.id, delta: content });
    if (done) chunks.push(...this.#end(part));
    return chunks;
  }

  /** Ends the unnamed part before anything else: later text without an id begins a new part. */
  interrupt(): UiMessageChunk[] {
    const part = this.#unnamed;
    this.#unnamed = null;
    return part === null ? [] : this.#end(part);
  }

  endAll(): UiMessageChunk[] {
    return [...this.#open.values()].flatMap((part) => this.#end(part));
  }

  isOpen(part: TextPart): boolean {
    return this.#open.has(keyOf(part));
  }

  begin({ kind, id }: TextPart): UiMessageChunk {
    this.#open.set(keyOf({ kind, id }), { kind, id });
    return { type: `${kind}-start`, id };
  }

  /** Marks a part as ended. */
  close(part: TextPart): void {
    this.#open.delete(keyOf(part));
  }

  #unnamedOf(kind: TextKind): TextPart {
    if (this.#unnamed?.kind === kind) return this.#unnamed;
    this.#unnamedCount += 1;
    return { kind, id: `part-${this.#unnamedCount}` };
  }

  #end(part: TextPart): UiMessageChunk[] {
    if (part === this.#unnamed) this.#unnamed = null;
    if (!this.isOpen(part)) return [];
    this.close(part);
    return [{ type: `${part.kind}-end`, id: part.id }];
  }
}

function keyOf({ kind, id }: TextPart): string {
  return `${kind}:${id}`;
}

import { Chunk, encodeComment, encodeTexts } from '../../../sse/frame.js';
import type { EncodedPage } from '../../pages.js';
import { type FeedFormat, heartbeat } from '../feed-format.js';
import type { UiMessageChunk } from './chunk-schema.js';
import { MessageProjection } from './message-projection.js';

const connected = encodeComment('connected');
const done = '[DONE]';

/**
 * The AI SDK's UI message stream, for one feed. For a page, any complete response ends the message, so
 * the response is complete only when the stream has ended.
 */
export class UiMessageFormat implements FeedFormat {
  readonly heartbeat = heartbeat;
  readonly prefersLongPages = false;
  readonly #projection: MessageProjection;

  /** @param options the parameters of `MessageProjection` */
  constructor(...options: ConstructorParameters<typeof MessageProjection>) {
    this.#projection = new MessageProjection(...options);
  }

  get preamble(): Buffer {
    return Buffer.concat([connected, encodeTexts([toText(this.#projection.start())])]);
  }

  get isOver(): boolean {
    return this.#projection.isOver;
  }

  encode(page: EncodedPage): Chunk | null {
    const chunks = page.events.flatMap((event, index) =>
      this.#projection.take(event, page.offset + index),
    );
    const texts = chunks.map(toText);
    if (this.isOver) texts.push(done);
    return Chunk.of(encodeTexts(texts));
  }

  notFound(): null {
    return null;
  }

  upToDate(): null {
    return null;
  }

  farewell(): null {
    return null;
  }

  isComplete(): boolean {
    return this.isOver;
  }

  reset(): null {
    return null;
  }
}

function toText(chunk: UiMessageChunk): string {
  const text = JSON.stringify(chunk);
  const isSuspect = text.includes('__proto__') || text.includes('constructor');
  return isSuspect ? JSON.stringify(chunk, withoutPrototypes) : text;
}

/** Drops keys at any depth because of which the AI SDK would reject the chunk, and the rest of the stream. */
function withoutPrototypes(key: string, value: unknown): unknown {
  if (key === '__proto__') return undefined;
  const isForged = typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
  return key === 'constructor' && isForged ? undefined : value;
}

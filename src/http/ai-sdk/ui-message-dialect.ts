import type { EncodedPage } from '../../feed/encoded-page.js';
import type { FeedDialect } from '../../feed/feed-dialect.js';
import { encodeComment, encodeData } from '../../sse/frame.js';
import type { UiMessageChunk } from './chunk-schema.js';
import { MessageProjection } from './message-projection.js';

const connected = encodeComment('connected');
const done = encodeData(Buffer.from('[DONE]'));

/**
 * The AI SDK's UI message stream, of one feed. A page takes any clean end for the end of the
 * message: so there is one only when the stream has ended, and all else breaks the connection.
 */
export class UiMessageDialect implements FeedDialect {
  readonly prefersLongPages = false;
  readonly #projection: MessageProjection;

  constructor(messageId: string) {
    this.#projection = new MessageProjection(messageId);
  }

  get preamble(): Buffer {
    return Buffer.concat([connected, encodeChunk(this.#projection.start())]);
  }

  get isOver(): boolean {
    return this.#projection.isOver;
  }

  encode(page: EncodedPage): Buffer {
    const chunks = page.events.flatMap((event, index) =>
      this.#projection.take(event, page.offset + index),
    );
    const frames = chunks.map(encodeChunk);
    return Buffer.concat(this.isOver ? [...frames, done] : frames);
  }

  farewell(): Buffer | null {
    return this.isOver ? Buffer.alloc(0) : null;
  }

  reset(): null {
    return null;
  }
}

function encodeChunk(chunk: UiMessageChunk): Buffer {
  const text = JSON.stringify(chunk);
  const isSuspect = text.includes('__proto__') || text.includes('constructor');
  return encodeData(Buffer.from(isSuspect ? JSON.stringify(chunk, withoutPrototypes) : text));
}

/** The AI SDK refuses a chunk with such keys, at whatever depth, and with it the rest. */
function withoutPrototypes(key: string, value: unknown): unknown {
  if (key === '__proto__') return undefined;
  const isForged = typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
  return key === 'constructor' && isForged ? undefined : value;
}

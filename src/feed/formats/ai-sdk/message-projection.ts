import { excerpt } from '../../../errors.js';
import type { StoredEvent } from '../../../events/event.js';
import { type ChunkOf, type UiMessageChunk, uiMessageChunk } from './chunk-schema.js';
import {
  type EventRecord,
  type Fields,
  firstOf,
  isFields,
  readEvent,
  textOf,
} from './event-record.js';
import { type TextKind, TextParts } from './text-parts.js';
import { namesCall, ToolCalls } from './tool-calls.js';

/**
 * Maps the events of one stream to chunks of the AI SDK's UI message stream. The mapping is
 * deterministic, and a page accepts every sequence of its chunks: one that does not validate, or
 * continues a part that has not begun, would end the chat of the page.
 */
export class MessageProjection {
  readonly #texts = new TextParts();
  readonly #calls = new ToolCalls();
  #finish: ChunkOf<'finish'> = { type: 'finish' };
  #isOver = false;

  /**
   * @param maxEventBytes max size of an event that is parsed
   * @param knowsApprovals whether the page supports the chunks of approvals: version 5 does not
   */
  constructor(
    readonly messageId: string,
    readonly maxEventBytes: number,
    readonly knowsApprovals = true,
  ) {}

  /** Whether the message has ended. Nothing follows. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The first chunk. The page replaces a message that it has under the same id. */
  start(): UiMessageChunk {
    return { type: 'start', messageId: this.messageId };
  }

  /** @param offset offset of the event */
  take(stored: StoredEvent, offset: number): UiMessageChunk[] {
    if (this.#isOver) return [];
    const record = readEvent(stored, this.maxEventBytes);
    if (stored.ending === null) {
      return record === null ? asPlace(stored, offset) : this.#takeEvent(record);
    }
    this.#isOver = true;
    return [...this.#texts.endAll(), ...lastWords(stored, record), this.#finish];
  }

  #takeEvent(record: EventRecord): UiMessageChunk[] {
    switch (record.type) {
      case 'thinking':
        return this.#texts.take('reasoning', record);
      case 'answer':
        return this.#texts.take('text', record);
      case 'tool_call':
        return [...this.#texts.interrupt(), ...this.#calls.call(record)];
      case 'tool_result':
        return [...this.#texts.interrupt(), ...this.#calls.result(record)];
      case 'error':
        if (!namesCall(record)) return asData(record);
        return [...this.#texts.interrupt(), ...this.#calls.failure(record)];
      case 'tool_approval_required':
        if (!this.knowsApprovals) return asData(record);
        return [...this.#texts.interrupt(), ...this.#calls.approval(record)];
      case 'references':
        return toSources(record) ?? asData(record);
      case 'ui_message_chunk':
        return this.#pass(record) ?? asData(record);
      default:
        return asData(record);
    }
  }

  /** The chunk that the worker wrote itself; null when a page would reject it here. */
  #pass({ data }: EventRecord): UiMessageChunk[] | null {
    const { success, data: chunk } = uiMessageChunk.safeParse(data);
    if (!success || (!this.knowsApprovals && isOfApproval(chunk))) return null;
    switch (chunk.type) {
      case 'start': // the message has begun already, under its own id
        return metadataOf(chunk);
      case 'finish': // sent at the end of the stream
        this.#finish = chunk;
        return [];
      case 'finish-step': // version 6 drops its open texts there
        return [...this.#texts.endAll(), chunk];
      case 'text-start':
      case 'text-delta':
      case 'text-end':
        return this.#passText('text', chunk);
      case 'reasoning-start':
      case 'reasoning-delta':
      case 'reasoning-end':
        return this.#passText('reasoning', chunk);
      default:
        return 'toolCallId' in chunk ? this.#passTool(chunk) : [chunk];
    }
  }

  #passText(
    kind: TextKind,
    chunk: ChunkOf<`${TextKind}-${'start' | 'delta' | 'end'}`>,
  ): UiMessageChunk[] | null {
    const part = { kind, id: chunk.id };
    if (chunk.type === `${kind}-start`) {
      if (this.#texts.isOpen(part)) return null;
      const interrupted = this.#texts.interrupt();
      this.#texts.begin(part);
      return [...interrupted, chunk];
    }
    if (!this.#texts.isOpen(part)) return null;
    if (chunk.type === `${kind}-end`) this.#texts.close(part);
    return [chunk];
  }

  #passTool(chunk: Extract<UiMessageChunk, { toolCallId: string }>): UiMessageChunk[] | null {
    const { type, toolCallId } = chunk;
    const begins = type.startsWith('tool-input-') && type !== 'tool-input-delta';
    if (type === 'tool-input-delta' && !this.#calls.isStreaming(toolCallId)) return null;
    if (!begins && !this.#calls.knows(toolCallId)) return null;
    return [...this.#texts.interrupt(), this.#calls.pass(chunk)];
  }
}

function isOfApproval({ type }: UiMessageChunk): boolean {
  return type === 'tool-approval-request' || type === 'tool-output-denied';
}

function metadataOf({ messageMetadata }: ChunkOf<'start'>): UiMessageChunk[] {
  return messageMetadata == null ? [] : [{ type: 'message-metadata', messageMetadata }];
}

/** The fallback for an event without a chunk of its own: the event itself. */
function asData({ type, event }: EventRecord): UiMessageChunk[] {
  return [{ type: `data-${type}`, data: event }];
}

/** The place of an element that is not sent, as it is no event or too costly to parse. */
function asPlace({ type, bytes }: StoredEvent, offset: number): UiMessageChunk[] {
  const place = { offset, bytes: bytes.length };
  if (type === null) return [{ type: 'data-malformed', data: place }];
  return [{ type: 'data-oversized', data: { type: excerpt(type), ...place } }];
}

function lastWords({ ending }: StoredEvent, record: EventRecord | null): UiMessageChunk[] {
  if (ending === 'stopped') return [{ type: 'abort' }];
  if (ending === 'complete') return [];
  const { content, data } = record ?? { content: '', data: {} };
  const known = textOf(data, 'message', 'error', 'code') ?? 'The run has failed.';
  return [{ type: 'error', errorText: content === '' ? known : content }];
}

/** The sources of an answer; null when one of them is neither an address nor a document. */
function toSources({ data, id }: EventRecord): UiMessageChunk[] | null {
  const references = firstOf(data, 'references', 'sources');
  if (!Array.isArray(references)) return null;
  const sources = references.map((one, index) => toSource(one, `${id ?? 'source'}-${index + 1}`));
  return sources.every((one) => one !== null) ? sources : null;
}

function toSource(reference: unknown, nextId: string): UiMessageChunk | null {
  if (!isFields(reference)) return null;
  const sourceId = textOf(reference, 'id', 'source_id', 'sourceId') ?? nextId;
  const title = textOf(reference, 'title', 'knowledge_title');
  const url = textOf(reference, 'url');
  if (url !== undefined) return { type: 'source-url', sourceId, url, ...(title && { title }) };
  return title === undefined ? null : toDocument(reference, sourceId, title);
}

function toDocument(reference: Fields, sourceId: string, title: string): UiMessageChunk {
  const mediaType = textOf(reference, 'media_type', 'mediaType') ?? 'text/plain';
  const filename = textOf(reference, 'filename', 'knowledge_filename');
  return { type: 'source-document', sourceId, mediaType, title, ...(filename && { filename }) };
}

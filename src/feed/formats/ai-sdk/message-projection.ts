import { excerpt } from '../../../errors.js';
import type { StoredEvent } from '../../../events/stored-event.js';
import { type ChunkOf, type UiMessageChunk, uiMessageChunk } from './chunk-schema.js';
import { type EventRecord, readEvent, textOf } from './event-record.js';
import { toSources } from './source-chunks.js';
import { type TextKind, TextParts } from './text-parts.js';
import { namesCall, ToolCalls } from './tool-calls.js';

/**
 * The chunks of the AI SDK's UI message stream that the events of one stream come to. The same
 * events always come to the same chunks, and every sequence of them is one that a page takes: a
 * chunk that does not validate, or goes on with a part that has not begun, ends the page's chat.
 */
export class MessageProjection {
  readonly #texts = new TextParts();
  readonly #calls = new ToolCalls();
  #finish: ChunkOf<'finish'> = { type: 'finish' };
  #isOver = false;

  /**
   * @param maxEventBytes the largest event that is taken apart
   * @param knowsApprovals whether the page takes what is said of them: version 5 does not
   */
  constructor(
    readonly messageId: string,
    readonly maxEventBytes: number,
    readonly knowsApprovals = true,
  ) {}

  /** Whether the message has come to its end. Nothing follows. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The page replaces the message that has this id already. */
  start(): UiMessageChunk {
    return { type: 'start', messageId: this.messageId };
  }

  /** @param offset of the event */
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

  /** What the worker wrote as a chunk itself; null when a page would not take it here. */
  #pass({ data }: EventRecord): UiMessageChunk[] | null {
    const { success, data: chunk } = uiMessageChunk.safeParse(data);
    if (!success || (!this.knowsApprovals && isOfApproval(chunk))) return null;
    switch (chunk.type) {
      case 'start': // the message has begun, under an id of its own
        return metadataOf(chunk);
      case 'finish': // kept for the end of the stream
        this.#finish = chunk;
        return [];
      case 'finish-step': // version 6 forgets then which texts were open
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
    if (chunk.type === `${kind}-end`) this.#texts.forget(part);
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

/** The way out for whatever has no chunk of its own: the event, as it is. */
function asData({ type, event }: EventRecord): UiMessageChunk[] {
  return [{ type: `data-${type}`, data: event }];
}

/** Where to read what is not sent here, as it is no event or costs too much. */
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

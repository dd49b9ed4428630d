import type { ChunkOf, UiMessageChunk } from './chunk-schema.js';
import { type EventRecord, firstOf, isFields, isMappable, textOf } from './event-record.js';

/**
 * Whether a call is dynamic, that is of a tool that the page does not know. Version 5 looks up the call of
 * a result among those of its kind only, so all chunks of a call must agree.
 */
type Kind = { readonly dynamic?: true };

const dynamic: Kind = { dynamic: true };

/** A chunk about a call, as a worker may write it. */
type ToolChunk = Extract<UiMessageChunk, { toolCallId: string }>;

/** The tool calls of one message. A page rejects chunks of a call that it does not know. */
export class ToolCalls {
  readonly #known = new Map<string, Kind>();
  /** The calls without a result, in order. */
  readonly #waiting = new Set<string>();
  /** The same calls in an array, with some that have a result by now: only the last one is read. */
  readonly #order: string[] = [];
  readonly #streaming = new Set<string>();
  #unnamedCount = 0;

  call(record: EventRecord): UiMessageChunk[] {
    return [this.#begin(idOf(record) ?? this.#newId(), record)];
  }

  result(record: EventRecord): UiMessageChunk[] {
    const errorText = errorTextOf(record);
    if (errorText !== null) return this.#fail(record, errorText);
    const { toolCallId, chunks } = this.#callOf(record);
    this.#waiting.delete(toolCallId);
    const output = outputOf(record);
    const kind = this.#known.get(toolCallId);
    return [...chunks, { type: 'tool-output-available', toolCallId, output, ...kind }];
  }

  /** The failure of a call by an `error` that does not end the stream, as WeKnora writes it. */
  failure(record: EventRecord): UiMessageChunk[] {
    const { content } = record;
    return this.#fail(record, errorTextOf(record) ?? (content === '' ? hasFailed : content));
  }

  approval(record: EventRecord): UiMessageChunk[] {
    const { toolCallId, chunks } = this.#callOf(record);
    const asked = textOf(record.data, 'approval_id', 'approvalId', 'pending_id');
    const approvalId = asked ?? record.id ?? `approval-${toolCallId}`;
    return [...chunks, { type: 'tool-approval-request', approvalId, toolCallId }];
  }

  knows(toolCallId: string): boolean {
    return this.#known.has(toolCallId);
  }

  isStreaming(toolCallId: string): boolean {
    return this.#streaming.has(toolCallId);
  }

  /** Records a chunk that the worker wrote itself, and returns it in the form to send. */
  pass(chunk: ToolChunk): ToolChunk {
    const { type, toolCallId } = chunk;
    const known = this.#known.get(toolCallId);
    const kind = known ?? ('dynamic' in chunk && chunk.dynamic === true ? dynamic : {});
    this.#known.set(toolCallId, kind);
    if (type === 'tool-input-start') this.#streaming.add(toolCallId);
    if (type === 'tool-input-available') this.#await(toolCallId);
    if (type.startsWith('tool-output') || type === 'tool-input-error') {
      this.#waiting.delete(toolCallId);
    }
    if (!('dynamic' in chunk) && kind.dynamic === undefined) return chunk;
    const { dynamic: _, ...rest } = chunk as ChunkOf<'tool-output-available'>;
    return { ...rest, ...kind };
  }

  #fail(record: EventRecord, errorText: string): UiMessageChunk[] {
    const { toolCallId, chunks } = this.#callOf(record);
    this.#waiting.delete(toolCallId);
    const kind = this.#known.get(toolCallId);
    return [...chunks, { type: 'tool-output-error', toolCallId, errorText, ...kind }];
  }

  /** The call of an event, and the chunk that begins it if it has not begun. */
  #callOf(record: EventRecord): { toolCallId: string; chunks: UiMessageChunk[] } {
    const named = textOf(record.data, ...idNames);
    const own = record.id !== null && this.#known.has(record.id) ? record.id : undefined;
    const toolCallId = named ?? own ?? this.#lastWaiting() ?? record.id ?? this.#newId();
    const chunks = this.#known.has(toolCallId) ? [] : [this.#begin(toolCallId, record)];
    return { toolCallId, chunks };
  }

  #begin(toolCallId: string, record: EventRecord): UiMessageChunk {
    const kind = this.#known.get(toolCallId) ?? dynamic;
    this.#known.set(toolCallId, kind);
    this.#await(toolCallId);
    const [toolName, input] = [nameOf(record), inputOf(record)];
    return { type: 'tool-input-available', toolCallId, toolName, input, ...kind };
  }

  #await(toolCallId: string): void {
    if (this.#waiting.has(toolCallId)) return;
    this.#waiting.add(toolCallId);
    this.#order.push(toolCallId);
  }

  #lastWaiting(): string | undefined {
    let last = this.#order.at(-1);
    while (last !== undefined && !this.#waiting.has(last)) {
      this.#order.pop();
      last = this.#order.at(-1);
    }
    return last;
  }

  #newId(): string {
    this.#unnamedCount += 1;
    return `call-${this.#unnamedCount}`;
  }
}

const idNames = ['tool_call_id', 'toolCallId'];

const hasFailed = 'The tool has failed.';

/** Whether an event has the id of a call. */
export function namesCall({ data }: EventRecord): boolean {
  return textOf(data, ...idNames) !== undefined;
}

function idOf({ data, id }: EventRecord): string | undefined {
  return textOf(data, ...idNames) ?? id ?? undefined;
}

function nameOf({ type, data, content }: EventRecord): string {
  const called = type === 'tool_call' && content !== '' ? content : 'tool';
  return textOf(data, 'tool_name', 'toolName', 'name') ?? called;
}

/** The input of a call. Some models give it as a string with JSON, of any shape. */
function inputOf({ data }: EventRecord): unknown {
  const input = firstOf(data, 'arguments', 'args', 'input') ?? {};
  if (typeof input !== 'string' || !isMappable(Buffer.from(input))) return input;
  try {
    const parsed: unknown = JSON.parse(input);
    return isFields(parsed) ? parsed : input;
  } catch {
    return input; // a string that is no JSON is an input too
  }
}

function outputOf({ data, content }: EventRecord): unknown {
  const output = firstOf(data, 'output', 'result');
  if (output !== undefined) return output;
  return content === '' && Object.keys(data).length > 0 ? data : content;
}

/** The error of the tool; null when it has not failed. */
function errorTextOf({ data, content }: EventRecord): string | null {
  const error = firstOf(data, 'error');
  const isFailure =
    data.success === false || (error !== undefined && error !== '' && error !== false);
  if (!isFailure) return null;
  const inner = isFields(error) ? textOf(error, 'message') : undefined;
  return textOf(data, 'error') ?? inner ?? (content === '' ? hasFailed : content);
}

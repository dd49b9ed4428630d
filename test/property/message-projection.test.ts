import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeStoredEvent, type StoredEvent } from '../../src/events/event.js';
import { UiMessageFormat } from '../../src/feed/formats/ai-sdk/ui-message-format.js';
import { EncodedPage } from '../../src/feed/pages.js';
import { majors, readMessage } from '../support/ui-messages.js';
import { runs } from './runs.js';

const word = fc.constantFrom('a', 'b', '', 'part-1', '__proto__', 'constructor', '\u2028');
const odd = fc.oneof(
  word,
  fc.boolean(),
  fc.integer(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 2 }),
);

const fieldNames = [
  ...['tool_call_id', 'tool_name', 'arguments', 'output', 'success', 'error', 'pending_id'],
  ...['constructor', 'prototype', 'message'],
];
const reference = fc.dictionary(fc.constantFrom('id', 'url', 'title', 'x'), odd);
const looseData = fc
  .record({
    fields: fc.dictionary(fc.constantFrom(...fieldNames), odd),
    references: fc.option(fc.array(reference, { maxLength: 3 }), { nil: undefined }),
  })
  .map(({ fields, references }) => ({ ...fields, ...(references && { references }) }));

const chunkTypes = [
  ...['start', 'start-step', 'finish-step', 'finish', 'abort', 'message-metadata'],
  ...['text', 'reasoning'].flatMap((kind) => [`${kind}-start`, `${kind}-delta`, `${kind}-end`]),
  ...['start', 'delta', 'available', 'error'].map((part) => `tool-input-${part}`),
  ...['available', 'error', 'denied'].map((part) => `tool-output-${part}`),
  ...['tool-approval-request', 'tool-approval-response', 'source-url', 'source-document', 'file'],
  ...['data-x', 'data-', 'custom', 'reset-step', 'steering-message', 'unknown', ''],
];

/** Mostly whole, so that the order of the chunks is what is tried. */
const chunk = fc.record(
  {
    type: fc.constantFrom(...chunkTypes),
    id: fc.oneof({ weight: 4, arbitrary: word }, odd),
    delta: fc.oneof({ weight: 4, arbitrary: word }, odd),
    toolCallId: word,
    toolName: fc.constant('t'),
    inputTextDelta: word,
    input: odd,
    output: odd,
    errorText: word,
    approvalId: word,
    sourceId: word,
    url: word,
    mediaType: word,
    title: word,
    data: odd,
    dynamic: fc.boolean(),
    providerMetadata: fc.constantFrom({ p: { a: 1 } }, { p: 1 }),
    messageMetadata: fc.constantFrom(undefined, { a: 1 }),
  },
  { requiredKeys: ['type', 'toolCallId', 'toolName', 'inputTextDelta', 'errorText', 'approvalId'] },
);

const mappedTypes = ['thinking', 'answer', 'tool_call', 'tool_result', 'tool_approval_required'];

/** What may stand in a list, by whomever it was written. */
const element = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record(
      {
        type: fc.constantFrom(...mappedTypes, 'references', 'session_title', 'x y', ''),
        id: fc.oneof(word, odd),
        content: fc.oneof({ weight: 4, arbitrary: word }, odd),
        done: fc.oneof(fc.boolean(), odd),
        data: fc.oneof({ weight: 4, arbitrary: looseData }, odd),
      },
      { requiredKeys: ['type'] },
    ),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('ui_message_chunk'), data: chunk }) },
  { weight: 1, arbitrary: odd },
);

const withApprovals = majors.filter(({ name }) => name !== 'ai 5');

/**
 * What all majors show alike. Version 5 drops titles of tools and some metadata; where a second call has
 * the id of the first, they disagree on its name, and on the input of one that was rejected.
 */
function commonTo({ type, providerMetadata: _, ...part }: Record<string, unknown>): object {
  if (!('toolCallId' in part)) return { type, ...part };
  const { toolCallId, state, output, errorText } = part;
  return { isDynamic: type === 'dynamic-tool', toolCallId, state, output, errorText };
}

const ends = fc.constantFrom({ type: 'complete' }, { type: 'stop' }, null);

/** What a feed sends of the events. */
function framesOf(events: readonly StoredEvent[], knowsApprovals: boolean): Buffer {
  const format = new UiMessageFormat('m1', 1024 ** 2, knowsApprovals);
  const nextOffset = events.length;
  const page = EncodedPage.of({ events, nextOffset, before: undefined, atEnd: true });
  return Buffer.concat([format.preamble, format.encode(page)?.bytes ?? Buffer.alloc(0)]);
}

describe('Each major of the AI SDK', () => {
  it('accepts every chunk of any stream, in any order, and makes the same parts of them', async () => {
    const lists = fc.array(element, { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(lists, ends, fc.boolean(), async (elements, end, knowsApprovals) => {
        const all = [...elements, ...(end === null ? [] : [end])];
        const events = all.map((one) => decodeStoredEvent(Buffer.from(JSON.stringify(one))));
        const frames = framesOf(events, knowsApprovals);
        const shown: unknown[] = [];
        for (const { name, sdk } of knowsApprovals ? withApprovals : majors) {
          const { message, chunks, errors } = await readMessage(sdk, frames);
          expect([name, ...errors]).toEqual([name]);
          expect(message?.id).toBe('m1');
          expect(chunks[0]).toEqual({ type: 'start', messageId: 'm1' });
          expect(chunks.at(-1)?.type === 'finish').toBe(end !== null);
          shown.push(message?.parts.map(commonTo));
        }
        for (const parts of shown) expect(parts).toEqual(shown[0]);
      }),
      { numRuns: runs(80) },
    );
  });
});

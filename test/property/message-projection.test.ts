import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EncodedPage } from '../../src/feed/encoded-page.js';
import { UiMessageDialect } from '../../src/http/ai-sdk/ui-message-dialect.js';
import { decodeStoredEvent } from '../../src/streams/stream-event.js';
import { majors, readMessage } from '../support/ui-messages.js';

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

const ends = fc.constantFrom({ type: 'complete' }, { type: 'stop' }, null);

describe.each(majors)('whatever stands in a stream, $name', ({ sdk }) => {
  it('takes every chunk of it, in any order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(element, { maxLength: 30 }), ends, async (elements, end) => {
        const texts = [...elements, ...(end === null ? [] : [end])].map((one) =>
          JSON.stringify(one),
        );
        const events = texts.map((text) => decodeStoredEvent(Buffer.from(text)));
        const dialect = new UiMessageDialect('m1', 1024 ** 2);
        const nextOffset = events.length;
        const page = EncodedPage.of({ events, nextOffset, before: undefined, atEnd: true });
        const encoded = dialect.encode(page)?.bytes ?? Buffer.alloc(0);
        const frames = Buffer.concat([dialect.preamble, encoded]);
        const { message, chunks, errors } = await readMessage(sdk, frames);
        expect(errors).toEqual([]);
        expect(message?.id).toBe('m1');
        expect(chunks[0]).toEqual({ type: 'start', messageId: 'm1' });
        expect(chunks.at(-1)?.type === 'finish').toBe(end !== null);
      }),
      { numRuns: 300 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import { decodeStoredEvent } from '../../src/events/event.js';
import { MessageProjection } from '../../src/feed/formats/ai-sdk/message-projection.js';
import { UiMessageFormat } from '../../src/feed/formats/ai-sdk/ui-message-format.js';
import { EncodedPage } from '../../src/feed/pages.js';
import { stored } from '../support/events.js';
import { majors, readMessage, strictFaults } from '../support/ui-messages.js';

const maxEventBytes = 100_000;

/** What the events come to, without the `start` before them. */
function chunksOf(...events: object[]) {
  const projection = new MessageProjection('m1', maxEventBytes);
  return stored(...events).flatMap((event, index) => projection.take(event, index));
}

const answer = (content: string, more: object = {}) => ({ type: 'answer', content, ...more });
const delta = (id: string, text: string) => ({ type: 'text-delta', id, delta: text });

describe('The projection to AI SDK chunks', () => {
  it('joins the chunks of an answer into one text, and those of a thought into one reasoning', () => {
    expect(
      chunksOf(
        { type: 'thinking', id: 't', content: 'Hm' },
        { type: 'thinking', id: 't', content: '.', done: true },
        answer('Cats ', { id: 'a' }),
        answer('', { id: 'a', done: true }),
      ),
    ).toEqual([
      { type: 'reasoning-start', id: 't' },
      { type: 'reasoning-delta', id: 't', delta: 'Hm' },
      { type: 'reasoning-delta', id: 't', delta: '.' },
      { type: 'reasoning-end', id: 't' },
      { type: 'text-start', id: 'a' },
      delta('a', 'Cats '),
      { type: 'text-end', id: 'a' },
    ]);
  });

  it('adds chunks without an id to the part before them, until something else comes', () => {
    expect(
      chunksOf(answer('a'), answer('b'), { type: 'thinking', content: 'c' }, answer('d')),
    ).toEqual([
      { type: 'text-start', id: 'part-1' },
      delta('part-1', 'a'),
      delta('part-1', 'b'),
      { type: 'text-end', id: 'part-1' },
      { type: 'reasoning-start', id: 'part-2' },
      { type: 'reasoning-delta', id: 'part-2', delta: 'c' },
      { type: 'reasoning-end', id: 'part-2' },
      { type: 'text-start', id: 'part-3' },
      delta('part-3', 'd'),
    ]);
  });

  it('shows a tool call and its result under the id of the call', () => {
    const data = { tool_call_id: 'c1', tool_name: 'search', arguments: { query: 'cats' } };
    expect(
      chunksOf(
        { type: 'tool_call', id: 'e1', content: 'search', data },
        { type: 'tool_result', id: 'e2', data: { tool_call_id: 'c1', output: [1], success: true } },
      ),
    ).toEqual([
      {
        type: 'tool-input-available',
        toolCallId: 'c1',
        toolName: 'search',
        input: { query: 'cats' },
        dynamic: true,
      },
      { type: 'tool-output-available', toolCallId: 'c1', output: [1], dynamic: true },
    ]);
  });

  it.each([
    ['an id of the event that both share', { id: 'e1' }, { id: 'e1' }, 'e1'],
    ['no id at all: the last call without a result', {}, {}, 'call-1'],
  ])('finds the call of a result by %s', (_, call, result, toolCallId) => {
    const chunks = chunksOf(
      { type: 'tool_call', data: { name: 'search', arguments: '{"query":"cats"}' }, ...call },
      { type: 'tool_result', content: 'They sleep.', ...result },
    );
    expect(chunks).toMatchObject([
      { toolCallId, toolName: 'search', input: { query: 'cats' } },
      { toolCallId, output: 'They sleep.' },
    ]);
  });

  it('begins the call when a result or a question comes without one', () => {
    expect(
      chunksOf(
        { type: 'tool_result', data: { tool_call_id: 'c1', tool_name: 'search', output: 'x' } },
        { type: 'tool_approval_required', data: { tool_call_id: 'c2', pending_id: 'p2' } },
      ),
    ).toMatchObject([
      { type: 'tool-input-available', toolCallId: 'c1', toolName: 'search', input: {} },
      { type: 'tool-output-available', toolCallId: 'c1', output: 'x' },
      { type: 'tool-input-available', toolCallId: 'c2', toolName: 'tool' },
      { type: 'tool-approval-request', toolCallId: 'c2', approvalId: 'p2' },
    ]);
  });

  it.each([
    [{ data: { success: false } }, 'The tool has failed.'],
    [{ content: 'no network', data: { success: false } }, 'no network'],
    [{ data: { error: 'timeout' } }, 'timeout'],
    [{ data: { error: { message: 'rejected', code: 1 } } }, 'rejected'],
  ])('shows that a tool failed (%j)', (event, errorText) => {
    const chunks = chunksOf(
      { type: 'tool_call', id: 'c' },
      { type: 'tool_result', id: 'c', ...event },
    );
    const failed = { type: 'tool-output-error', toolCallId: 'c', errorText, dynamic: true };
    expect(chunks[1]).toEqual(failed);
  });

  it.each([
    ['no network', {}, 'no network'],
    ['see data', { error: 'timeout' }, 'timeout'],
    ['', {}, 'The tool has failed.'],
  ])(
    'treats an error that names a call as the failure of its tool (%j, %j)',
    (content, more, errorText) => {
      const data = { tool_call_id: 'c', ...more };
      expect(
        chunksOf(
          { type: 'tool_call', data: { tool_call_id: 'c', tool_name: 'search' } },
          { type: 'error', id: 'e', done: false, content, data },
          { type: 'error', id: 'other', content: 'of the run' },
        ),
      ).toMatchObject([
        { type: 'tool-input-available', toolCallId: 'c' },
        { type: 'tool-output-error', toolCallId: 'c', errorText, dynamic: true },
        { type: 'data-error' },
      ]);
    },
  );

  it('begins the call when its failure comes without one', () => {
    const data = { tool_call_id: 'c', tool_name: 'search' };
    expect(chunksOf({ type: 'error', id: 'e', content: 'no network', data })).toEqual([
      {
        type: 'tool-input-available',
        toolCallId: 'c',
        toolName: 'search',
        input: {},
        dynamic: true,
      },
      { type: 'tool-output-error', toolCallId: 'c', errorText: 'no network', dynamic: true },
    ]);
  });

  it('ends the stream with an error that is done, whichever call it names', () => {
    const data = { tool_call_id: 'c' };
    expect(chunksOf({ type: 'error', done: true, content: 'no money', data })).toEqual([
      { type: 'error', errorText: 'no money' },
      { type: 'finish' },
    ]);
  });

  it('names the tool of a call after the event that began it, whichever program wrote either', () => {
    const own = (data: object) => ({ type: 'ui_message_chunk', data });
    const input = { type: 'tool-input-available', toolName: 't', input: 1 };
    const output = (toolCallId: string) => ({ type: 'tool-output-available', toolCallId });
    expect(
      chunksOf(
        own({ ...input, toolCallId: 'static' }),
        { type: 'tool_result', data: { tool_call_id: 'static', output: 1 } },
        own({ ...input, toolCallId: 'rejected' }),
        { type: 'error', content: 'no', data: { tool_call_id: 'rejected' } },
        own({ ...input, toolCallId: 'dynamic', dynamic: true }),
        own({ ...output('dynamic'), output: 2 }),
      ).filter(({ type }) => type.startsWith('tool-output')),
    ).toEqual([
      { ...output('static'), output: 1 },
      { type: 'tool-output-error', toolCallId: 'rejected', errorText: 'no' },
      { ...output('dynamic'), output: 2, dynamic: true },
    ]);
  });

  it('passes on approvals as data to a version that has none', () => {
    const denied = { type: 'tool-output-denied', toolCallId: 'c' };
    const events = stored(
      { type: 'tool_call', id: 'c' },
      { type: 'tool_approval_required', id: 'c', data: { approval_id: 'p' } },
      { type: 'ui_message_chunk', data: denied },
    );
    const typesFor = (knowsApprovals: boolean) => {
      const projection = new MessageProjection('m1', maxEventBytes, knowsApprovals);
      return events.flatMap((event, index) => projection.take(event, index)).map((one) => one.type);
    };
    const call = 'tool-input-available';
    expect(typesFor(true)).toEqual([call, 'tool-approval-request', denied.type]);
    expect(typesFor(false)).toEqual([call, 'data-tool_approval_required', 'data-ui_message_chunk']);
  });

  it('makes sources of references that are addresses or documents', () => {
    const references = [
      { number: 1, title: 'Cats', url: 'https://cats.example/' },
      { id: 'k7', knowledge_title: 'Handbook', knowledge_filename: 'handbook.pdf', score: 0.5 },
    ];
    expect(chunksOf({ type: 'references', id: 'r', data: { references } })).toEqual([
      { type: 'source-url', sourceId: 'r-1', url: 'https://cats.example/', title: 'Cats' },
      {
        type: 'source-document',
        sourceId: 'k7',
        mediaType: 'text/plain',
        title: 'Handbook',
        filename: 'handbook.pdf',
      },
    ]);
  });

  it.each([
    { type: 'session_title', content: 'Cats' },
    { type: 'references', data: { references: [{ score: 1 }] } },
    { type: 'references', data: { references: 'none' } },
    { type: 'error', content: 'a hiccup', done: false },
    { type: 'ui_message_chunk', data: { type: 'custom', kind: 'a.b' } },
    { type: 'ui_message_chunk', data: { type: 'text-delta', id: 'never begun', delta: 'x' } },
    {
      type: 'ui_message_chunk',
      data: { type: 'tool-output-available', toolCallId: '?', output: 1 },
    },
    { type: 'ui_message_chunk', data: { type: 'text-start' } },
    { type: 'ui_message_chunk' },
    { type: 'progress', content: '50 %', data: { percent: 50 } },
  ])('passes on as data what has no chunk type of its own: %j', (event) => {
    const whole = {
      id: 'e',
      content: '',
      done: false,
      timestamp: '2026-01-01T00:00:00Z',
      ...event,
    };
    expect(chunksOf(whole)).toEqual([{ type: `data-${event.type}`, data: whole }]);
  });

  it('keeps the position of an element that is no event', () => {
    const projection = new MessageProjection('m1', maxEventBytes);
    const junk = decodeStoredEvent(Buffer.from('junk'));
    expect(projection.take(junk, 3)).toEqual([
      { type: 'data-malformed', data: { offset: 3, bytes: 4 } },
    ]);
  });

  it.each([
    ['as its text', answer('x'.repeat(maxEventBytes + 1024)), 'answer'],
    ['as its type', { type: 't'.repeat(maxEventBytes + 1024) }, `${'t'.repeat(100)}…`],
    ['in too many values', { type: 'note', data: { a: Array(40_000).fill(0) } }, 'note'],
  ])('keeps the position of an event that is too large %s, also as an end', (_, event, type) => {
    const element = decodeStoredEvent(Buffer.from(JSON.stringify(event)));
    const projection = new MessageProjection('m1', maxEventBytes);
    expect(projection.take(element, 3)).toEqual([
      { type: 'data-oversized', data: { type, offset: 3, bytes: element.bytes.length } },
    ]);
    expect(projection.take({ ...element, ending: 'complete' }, 4)).toEqual([{ type: 'finish' }]);
  });

  it('passes on the chunks that a worker writes, under the id of the message', () => {
    const chunk = (data: object) => ({ type: 'ui_message_chunk', data });
    const usage = { messageMetadata: { tokens: 7 } };
    expect(
      chunksOf(
        chunk({ type: 'start', messageId: 'another', messageMetadata: { model: 'x' } }),
        chunk({ type: 'start-step' }),
        chunk({ type: 'text-start', id: '1', newField: true }),
        chunk(delta('1', 'Cats')),
        chunk({ type: 'text-end', id: '1' }),
        chunk({ type: 'tool-input-start', toolCallId: 'c', toolName: 't' }),
        chunk({ type: 'tool-input-delta', toolCallId: 'c', inputTextDelta: '{}' }),
        chunk({ type: 'finish', finishReason: 'stop', ...usage }),
        chunk({ type: 'data-usage', data: 1, transient: true }),
        { type: 'complete' },
      ),
    ).toEqual([
      { type: 'message-metadata', messageMetadata: { model: 'x' } },
      { type: 'start-step' },
      { type: 'text-start', id: '1' },
      delta('1', 'Cats'),
      { type: 'text-end', id: '1' },
      { type: 'tool-input-start', toolCallId: 'c', toolName: 't' },
      { type: 'tool-input-delta', toolCallId: 'c', inputTextDelta: '{}' },
      { type: 'data-usage', data: 1, transient: true },
      { type: 'finish', finishReason: 'stop', ...usage },
    ]);
  });

  it.each([
    [{ type: 'complete' }, []],
    [{ type: 'stop' }, [{ type: 'abort' }]],
    [
      { type: 'error', done: true, content: 'no money' },
      [{ type: 'error', errorText: 'no money' }],
    ],
    [
      { type: 'error', done: true, data: { code: 'producer_lost' } },
      [{ type: 'error', errorText: 'producer_lost' }],
    ],
    [{ type: 'error', done: true }, [{ type: 'error', errorText: 'The run has failed.' }]],
  ])('ends what is open, and the message, with %j', (end, lastWords) => {
    const projection = new MessageProjection('m1', maxEventBytes);
    const events = stored(answer('x', { id: 'a' }), end, {
      type: 'session_title',
      content: 'late',
    });
    const chunks = events.flatMap((event, index) => projection.take(event, index));
    expect(chunks.slice(2)).toEqual([
      { type: 'text-end', id: 'a' },
      ...lastWords,
      { type: 'finish' },
    ]);
    expect(projection.isOver).toBe(true);
  });
});

describe.each(majors)('The frames of the AI SDK feed, read by $name,', ({ sdk }) => {
  /** The frames of these events as a feed writes them, page by page. */
  function framesOf(events: readonly object[], perPage = 100): Buffer {
    const format = new UiMessageFormat('m1', maxEventBytes);
    const all = stored(...events);
    const frames = [format.preamble];
    for (let from = 0; from < all.length; from += perPage) {
      const page = all.slice(from, from + perPage);
      const nextOffset = from + page.length;
      const before = all[from - 1];
      const encoded = EncodedPage.of({ events: page, nextOffset, before, atEnd: true });
      frames.push(format.encode(encoded)?.bytes ?? Buffer.alloc(0));
    }
    return Buffer.concat(frames);
  }

  const run = [
    { type: 'thinking', content: 'Hm.' },
    { type: 'tool_call', id: 'c', data: { name: 'search', arguments: { q: 'cats' } } },
    { type: 'tool_result', id: 'c', content: 'They sleep.' },
    { type: 'error', content: 'no network', data: { tool_call_id: 'd', tool_name: 'fetch' } },
    { type: 'references', data: { references: [{ url: 'https://cats.example/' }] } },
    answer('Cats '),
    answer('sleep.\u2028 '),
    { type: 'complete' },
  ];

  it('make one message', async () => {
    const { message, chunks, errors } = await readMessage(sdk, framesOf(run));
    expect(errors).toEqual([]);
    expect(strictFaults(chunks)).toEqual([]);
    expect(message).toMatchObject({
      id: 'm1',
      role: 'assistant',
      parts: [
        { type: 'reasoning', text: 'Hm.', state: 'done' },
        { type: 'dynamic-tool', toolName: 'search', state: 'output-available' },
        { type: 'dynamic-tool', toolName: 'fetch', state: 'output-error', errorText: 'no network' },
        { type: 'source-url', url: 'https://cats.example/' },
        { type: 'text', text: 'Cats sleep.\u2028 ', state: 'done' },
      ],
    });
  });

  it('are the same bytes wherever the events are cut into pages', () => {
    for (let perPage = 1; perPage < run.length; perPage += 1) {
      expect(framesOf(run, perPage)).toEqual(framesOf(run));
    }
  });

  it('end with [DONE] for a finished stream only', () => {
    expect(framesOf(run).toString()).toMatch(/data: \{"type":"finish"\}\n\ndata: \[DONE\]\n\n$/);
    expect(framesOf(run.slice(0, -1)).toString()).not.toContain('[DONE]');
  });

  it('continue after an event that is too large', async () => {
    const large = { type: 'note', data: { a: Array(40_000).fill(0) } };
    const { message, chunks, errors } = await readMessage(sdk, framesOf([large, ...run]));
    expect(errors).toEqual([]);
    expect(strictFaults(chunks)).toEqual([]);
    expect(message?.parts[0]).toMatchObject({ type: 'data-oversized', data: { type: 'note' } });
    expect(message?.parts).toHaveLength(6);
  });

  it('omit keys that the SDK rejects', async () => {
    const data = { constructor: { prototype: 1, other: 2 }, nested: [{ constructor: 'fine' }] };
    const frames = framesOf([{ type: 'progress', data }, { type: 'complete' }]);
    const { chunks, errors } = await readMessage(sdk, frames);
    expect(errors).toEqual([]);
    expect(chunks[1]).toMatchObject({ data: { data: { nested: [{ constructor: 'fine' }] } } });
  });
});

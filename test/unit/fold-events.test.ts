import { describe, expect, it } from 'vitest';
import { decodeStoredEvent, type StoredEvent } from '../../src/events/event.js';
import { foldEvents } from '../../src/feed/formats/fold-events.js';
import { stored, texts } from '../support/events.js';

const timestamp = '2026-01-01T12:00:00Z';
const chunk = (content: string, fields: object = {}) => {
  return { id: 'a1', type: 'answer', content, done: false, timestamp, ...fields };
};
const element = (text: string) => decodeStoredEvent(Buffer.from(text));
const fold = (events: readonly StoredEvent[], maxBytes = 1024 ** 2) => foldEvents(events, maxBytes);
const contentsOf = (events: readonly StoredEvent[]) =>
  fold(events).map(({ event }) => JSON.parse(event.bytes.toString()).content);

describe('A run of chunks', () => {
  it('is folded into its last chunk with the text of all', () => {
    const last = { timestamp: '2026-01-01T12:00:09Z', done: true };
    const folded = fold(stored(chunk('Hel'), chunk('lo '), chunk('you', last)));
    expect(folded.map(({ lastIndex }) => lastIndex)).toEqual([2]);
    expect(texts(folded.map(({ event }) => event))).toEqual([
      JSON.stringify(chunk('Hello you', last)),
    ]);
  });

  it('has one type', () => {
    expect(contentsOf(stored(chunk('a'), chunk('b', { type: 'thinking' }), chunk('c')))).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  it('has one id, or ids that the service generated', () => {
    expect(contentsOf(stored(chunk('a'), chunk('b', { id: 'a2' })))).toEqual(['a', 'b']);
    const generated = (content: string) => chunk(content, { id: undefined });
    expect(contentsOf(stored(generated('a'), generated('b'), chunk('c'), generated('d')))).toEqual([
      'ab',
      'c',
      'd',
    ]);
  });

  it('ends with done: true', () => {
    const done = { done: true };
    expect(contentsOf(stored(chunk('a'), chunk('b', done), chunk('c'), chunk('d')))).toEqual([
      'ab',
      'cd',
    ]);
  });

  it('ends with data, of which no digit changes', () => {
    const data = '"data" : {"n": 12345678901234567890, "content":"x", "l":[1e400]}';
    const text = (content: string, more = '') =>
      `{ ${more} "type":"answer","content" : "${content}" ,"id":"a1","done":false,"timestamp":"${timestamp}" }`;
    const events = [text('a'), text('b', `${data},`), text('c'), text('d')].map(element);
    expect(texts(fold(events).map(({ event }) => event))).toEqual([
      text('ab', `${data},`),
      text('cd'),
    ]);
  });

  it('is folded up to the maximum size of an event', () => {
    const events = stored(...Array.from({ length: 9 }, () => chunk('12345')));
    const empty = JSON.stringify(chunk('')).length;
    const fourAtMost = fold(events, empty + 24);
    expect(fourAtMost.map(({ lastIndex }) => lastIndex)).toEqual([3, 7, 8]);
    for (const { event } of fourAtMost) expect(event.bytes.length).toBeLessThanOrEqual(empty + 24);
    expect(fold(events, empty + 25).map(({ lastIndex }) => lastIndex)).toEqual([4, 8]);
    expect(fold(events, 1)).toHaveLength(9);
  });

  it('has the same text, whatever is escaped and wherever a surrogate pair is cut', () => {
    const contents = ['"\\', '\ud83d', '\ude42', '\n\u0000\u2028é', '', '\ud83d', 'x', '\ude42'];
    expect(contentsOf(stored(...contents.map((content) => chunk(content))))).toEqual([
      contents.join(''),
    ]);
  });

  it('keeps escapes as they were written', () => {
    const text = (content: string) => JSON.stringify(chunk('')).replace('""', `"${content}"`);
    const events = [text('\\u0061\\/'), text('é'), text('\\u00e9')].map(element);
    expect(texts(fold(events).map(({ event }) => event))).toEqual([text('\\u0061\\/é\\u00e9')]);
  });

  it('has the last of a repeated field, however its name is written', () => {
    const rest = `"type":"answer","id":"a1","done":false,"timestamp":"${timestamp}"`;
    const events = [
      `{"content":"no","content":"a",${rest}}`,
      `{"content":"no","c\\u006fntent":"b",${rest}}`,
    ].map(element);
    expect(contentsOf(events)).toEqual(['ab']);
  });
});

describe('Elements that are never folded, but kept byte for byte,', () => {
  const folds = (events: StoredEvent[]) => {
    const folded = fold(events);
    expect(texts(folded.map(({ event }) => event))).toEqual(texts(events));
    return folded.map(({ lastIndex }) => lastIndex);
  };

  it('are titles and what ends a stream', () => {
    for (const type of ['session_title', 'complete', 'stop']) {
      expect(folds(stored(chunk('a', { type }), chunk('b', { type })))).toEqual([0, 1]);
    }
    const error = { type: 'error', done: true };
    expect(folds(stored(chunk('a', { type: 'error' }), chunk('b', error)))).toEqual([0, 1]);
  });

  it('are elements that are no events', () => {
    const malformed = ['x', '[]', '{}', '{"type":1}', '{"type":"answer"'];
    expect(folds([...malformed, ...malformed].map(element))).toHaveLength(10);
  });

  it('are elements with other fields than those of an event, or with other types of them', () => {
    const others: object[] = [
      { more: 1 },
      { constructor: 1 },
      { content: 1 },
      { content: undefined },
      { id: 7 },
      { id: undefined },
      { done: 'no' },
      { done: undefined },
      { timestamp: null },
      { data: null },
      { data: [] },
      { data: 'x' },
    ];
    for (const fields of others) {
      const text = JSON.stringify(chunk('a', fields));
      expect([text, folds([text, text].map(element))]).toEqual([text, [0, 1]]);
    }
    const proto = JSON.stringify(chunk('a')).replace('{', '{"__proto__":{},');
    expect(folds([proto, proto].map(element))).toEqual([0, 1]);
  });

  it('are chunks without a neighbour to fold with', () => {
    expect(folds(stored(chunk('a')))).toEqual([0]);
    expect(folds([])).toEqual([]);
  });
});

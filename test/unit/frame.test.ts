import { createParser, type EventSourceMessage } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeComment, encodeFrame, encodeId, encodeRetry } from '../../src/sse/frame.js';

const text = (bytes: Buffer) => bytes.toString('utf8');
const frame = (data: string, event?: string) =>
  encodeFrame({ id: '1-0000002a', event, data: Buffer.from(data) }).bytes;

describe('encodeFrame', () => {
  it('A frame has its data and then its id in one block', () => {
    expect(text(frame('{"type":"t"}'))).toBe('data: {"type":"t"}\nid: 1-0000002a\n\n');
  });

  it('A frame has its name before its data', () => {
    expect(text(frame('{}', 'answer'))).toBe('event: answer\ndata: {}\nid: 1-0000002a\n\n');
  });

  it('A frame has its data on one line, whatever ends a line', () => {
    expect(text(frame('{\r\n"a":\n1\r}'))).toContain('data: {  "a": 1 }\n');
    expect(text(frame('"a\u0085b\u2028c\u2029d"'))).toContain(
      'data: "a\\u0085b\\u2028c\\u2029d"\n',
    );
  });

  it('A frame has the same JSON for any value and any parser, cut anywhere', () => {
    const value = fc.jsonValue({ stringUnit: 'binary' });
    fc.assert(
      fc.property(value, fc.nat(), (json, cut) => {
        const bytes = frame(JSON.stringify(json, null, 1));
        const at = cut % bytes.length;
        const frames = parse(bytes.subarray(0, at), bytes.subarray(at));
        expect(frames).toHaveLength(1);
        expect(JSON.parse(frames[0]?.data as string)).toEqual(JSON.parse(JSON.stringify(json)));
      }),
    );
  });
});

describe('encodeComment, encodeRetry and encodeId', () => {
  it('Comments, retry times and ids are lines of their own', () => {
    expect(text(encodeComment('connected'))).toBe(': connected\n');
    expect(text(encodeRetry(2000))).toBe('retry: 2000\n');
    expect(text(encodeId('17-9f2c01ab'))).toBe('id: 17-9f2c01ab\n\n');
  });
});

/** Parses pieces as they come from a socket: a character may be split between two. */
function parse(...pieces: Buffer[]): EventSourceMessage[] {
  const frames: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => frames.push(message) });
  const decoder = new TextDecoder();
  for (const piece of pieces) parser.feed(decoder.decode(piece, { stream: true }));
  return frames;
}

import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { postText } from '../support/worker.js';

const nested = (depth: number) =>
  `{"type":"t","data":${'{"a":'.repeat(depth - 2)}{}${'}'.repeat(depth - 1)}`;
const event = (data: string) => `{"type":"t","data":{"x":${data}}}`;

/** Bodies that are stored as they are: what is read is what was sent. */
const accepted: Record<string, string> = {
  'a line break and a field of SSE in a string': event('"\\r\\n\\r\\nevent: x"'),
  'U+0000': event('"\\u0000"'),
  'U+FEFF first in a string': '{"type":"t","content":"\uFEFFx"}',
  'lone surrogates, escaped': event('"\\ud800 \\udc00"'),
  'U+2028, U+2029 and U+0085': event('"\u2028\u2029\u0085"'),
  'a number over the range of doubles': event('1e400'),
  'a large integer': event('12345678901234567890'),
  'repeated keys': '{"type":"t","type":"t","data":{"a":1,"a":2}}',
  'an empty key and odd keys': event('{"":1,"constructor":2,"toString":3}'),
  'a nesting of 64': nested(64),
  'a type that is reserved on the wire': '{"type":"open"}',
  'the type error': '{"type":"error"}',
  'a type of 64 characters': `{"type":"${'t'.repeat(64)}"}`,
  'an id of 128 characters': `{"type":"t","id":"${'i'.repeat(128)}"}`,
  'tabs and line breaks between tokens': '{\t"type" :\n"t"\r\n}',
};

const longId = `{"type":"t","id":"${'i'.repeat(129)}"}`;
const twice = '"data":{"__proto__":1},"data":{}';
type Bodies = Record<string, [body: string | Buffer, place?: RegExp]>;
/** Bodies that are JSON and no events, with the place that the rejection names. */
const invalidEvents: Bodies = {
  'a type with a line feed': ['{"type":"a\\nb"}', /`type`/],
  'a type with a field of SSE': ['{"type":"a\\rdata: x"}', /`type`/],
  'a type of 65 characters': [`{"type":"${'t'.repeat(65)}"}`, /`type`/],
  'a type that is no word': ['{"type":"__proto__"}', /`type`/],
  'no type': ['{}', /^event 0: `type` is required$/],
  'an unknown field': ['{"type":"t","seq":1}', /`seq`/],
  'an id of 129 characters': [longId, /`id` must have at most 128 characters$/],
  'an id that is a number': ['{"type":"t","id":1}', /`id`/],
  'content that is null': ['{"type":"t","content":null}', /`content` must be a string$/],
  'done as a text': ['{"type":"t","done":"true"}', /`done`/],
  'data that is an array': ['{"type":"t","data":[]}', /`data` must be an object$/],
  'a timestamp that is a date': ['{"type":"t","timestamp":"2026-01-01"}', /timestamp/],
  'a timestamp of no such day': ['{"type":"t","timestamp":"2026-02-30T00:00:00Z"}', /timestamp/],
  'a __proto__ key': ['{"type":"t","data":{"__proto__":1}}', /byte 20/],
  'an escaped __proto__ key': ['{"type":"t","data":{"\\u005f_proto__":1}}', /byte/],
  'a __proto__ key in a repeated field': [`{"type":"t",${twice}}`, /event 0/],
  'a nesting of 65': [nested(65), /deeper than 64/],
  'a nesting of 100,000': ['['.repeat(100_000) + ']'.repeat(100_000), /deeper/],
  'a nesting of 100,000 that never ends': ['{"a":'.repeat(100_000), /deeper/],
  'an empty array': ['[]', /1 to 1000/],
  null: ['null', /event 0/],
  'a text': ['"x"', /event 0/],
  'a number': ['1', /event 0/],
  'an array in an array': ['[[{"type":"t"}]]', /event 0/],
  'an array with a fault in its second event': [
    '[{"type":"t"},{"type":"t","x":1}]',
    /event 1: `x`/,
  ],
};
/** Bodies that are not JSON. */
const invalidJson: Bodies = {
  'invalid UTF-8': [Buffer.from('{"type":"t","content":"\xff"}', 'latin1'), /UTF-8/],
  'a UTF-8 surrogate': [Buffer.from('{"type":"t","content":"\xed\xa0\x80"}', 'latin1'), /UTF-8/],
  'a byte order mark': ['\uFEFF{"type":"t"}', /body/],
  'gzip without its header': [gzipSync('{"type":"t"}'), /UTF-8/],
  'an array without commas': ['[{"type":"t"}{"type":"t"}]'],
  'an array that ends with a comma': ['[{"type":"t"},]'],
  'an array that does not end': ['[{"type":"t"}'],
  'two objects': ['{"type":"t"}{"type":"t"}'],
  'an object that does not end': ['{"type":"t"', /not JSON/],
  'a raw line feed in a string': ['{"type":"t","content":"a\nb"}', /character 2/],
  'single quotes': ["{'type':'t'}", /character 1/],
  NaN: ['{"type":"t","data":{"a":NaN}}'],
  nothing: ['', /empty/],
  'white space': [' \n', /empty/],
};
type Rejected = readonly [what: string, code: string, body: string | Buffer, place: RegExp];
const rejectedAs = (code: string, bodies: Bodies) =>
  Object.entries(bodies).map(([what, [body, place = /./]]): Rejected => [what, code, body, place]);
const rejected = [
  ...rejectedAs('invalid_event', invalidEvents),
  ...rejectedAs('invalid_json', invalidJson),
];

describeApp('POST …/events with a hostile body', {}, ({ stream }) => {
  it.each(Object.entries(accepted))('stores %s as it was sent', async (_, text) => {
    const one = stream();
    expect((await postText(one.eventsUrl, text)).status).toBe(201);
    const sent = text.replaceAll(/[\r\n]/g, ' ').slice(0, -1);
    const read = await (await fetch(one.eventsUrl)).text();
    expect(read).toContain(sent);
    const feed = await one.feed();
    await feed.frameCount(1);
    expect(JSON.parse(feed.data[0] as string)).toEqual(JSON.parse(read).events[0]);
    expect(feed.data[0]).not.toContain('\n');
    feed.drop();
  });

  it.each(rejected)('rejects %s and stores nothing', async (_, code, text, place) => {
    const one = stream();
    const { status, body } = await postText(one.eventsUrl, text);
    expect(body).toMatchObject({ status: 400, code, stored: 0 });
    expect(status).toBe(400);
    expect(body.detail).toMatch(place);
    expect((await fetch(one.url)).status).toBe(404);
  });

  it.each([
    ['text/plain', {}],
    ['application/x-www-form-urlencoded', {}],
    ['multipart/form-data; boundary=x', {}],
    ['application/json; charset=utf-16', {}],
    ['application/json; charset=utf-80', {}],
    ["application/json; charset='utf-8'", {}],
    ['application/jsonl; charset=latin1', {}],
    ['application/jsonlines', {}],
    ['application/x-jsonl', {}],
    ['text/jsonl', {}],
    ['application/json', { 'content-encoding': 'gzip' }],
  ])('responds 415 to %s %j', async (type, headers) => {
    const one = stream();
    const sent = { 'content-type': type, ...headers } as Record<string, string>;
    const { status, body } = await postText(one.eventsUrl, '{"type":"t"}', sent);
    expect([status, body.code, body.stored]).toEqual([415, 'unsupported_media_type', 0]);
  });

  it.each(['"UTF-8"', 'utf8', 'UTF8', '"utf8"', '"utf8"; profile="x; y"'])(
    'accepts application/json with the charset %s',
    async (charset) => {
      const sent = { 'content-type': `application/json; charset=${charset}` };
      expect((await postText(stream().eventsUrl, '{"type":"t"}', sent)).status).toBe(201);
    },
  );

  it.each([
    'application/ndjson',
    'application/jsonl',
    'application/jsonl; charset=utf8',
    'Application/JSONL;CHARSET="UTF8"',
    'APPLICATION/NDJSON; profile=x; charset=UTF-8',
  ])('accepts %s as NDJSON, and POST …/stop does not accept it as JSON', async (type) => {
    const one = stream();
    const lines = '{"type":"t"}\n{"type":"u"}\n';
    const sent = await postText(one.eventsUrl, lines, { 'content-type': type });
    expect([sent.status, sent.body]).toMatchObject([201, { count: 2 }]);
    const stop = await postText(`${one.url}/stop`, '{}', { 'content-type': type });
    expect([stop.status, stop.body.code]).toEqual([415, 'unsupported_media_type']);
  });
});

import fc from 'fast-check';
import { idPattern } from '../../src/store/stream-manager.js';
import type { Route, Sent } from './checker.js';

/** One request as bytes, and where they are cut on their way. */
export interface FuzzRequest {
  readonly sent: Sent;
  readonly ids: readonly [sid: string, mid: string];
  readonly bytes: Buffer;
  readonly cuts: readonly number[];
}

/** No `?` and no `#`, which would end the path. */
const hostileId = fc.oneof(
  fc.constantFrom(
    '',
    ':',
    'a:b',
    '%3A',
    '%2F',
    '..',
    '%2e%2e',
    '%00',
    '%0d%0aX',
    '*',
    '[a]',
    '{a}',
  ),
  fc.constantFrom('é', '%ff', '%zz', 'constructor', '__proto__', 'a'.repeat(128), 'a'.repeat(129)),
  fc.string({ maxLength: 20 }).map((text) => encodeURIComponent(text)),
  fc.stringMatching(/^[!-"$->@-~]{0,20}$/),
);

/** Few enough that requests meet in the same stream. */
const ownMid = fc.nat(60).map((index) => `f${index}`);

const hostileNumber = fc.constantFrom(
  ...[
    '',
    '-1',
    '-0',
    '+1',
    '00',
    '1e3',
    '0x1',
    '1.0',
    ' 1',
    '9007199254740991',
    '9007199254740992',
  ],
  ...[
    '9223372036854775808',
    'NaN',
    '5, 7',
    '5-',
    '-a',
    '5-00000000',
    '0-00000000',
    'now',
    '\u00ff',
  ],
);
const number = fc.oneof(fc.nat(5).map(String), hostileNumber, fc.stringMatching(/^[!-~]{0,12}$/));

const query = fc.oneof(
  fc.constant(''),
  fc
    .array(
      fc.tuple(fc.constantFrom('offset', 'limit', 'named', 'compact', 'producer', 'x'), number),
      { maxLength: 3 },
    )
    .map(
      (pairs) => `?${pairs.map(([name, text]) => `${name}=${encodeURIComponent(text)}`).join('&')}`,
    ),
  fc.stringMatching(/^[!-~]{0,20}$/).map((text) => `?${text}`),
);

const header = fc.oneof(
  fc.tuple(
    fc.constantFrom(
      ...['producer-epoch', 'producer-seq', 'producer-lease', 'last-event-id'],
      'inputs-ack-offset',
    ),
    number,
  ),
  fc.tuple(fc.constant('producer-id'), fc.constantFrom('w', 'a b', 'é', 'w'.repeat(129))),
  fc.tuple(fc.constant('accept'), fc.constantFrom('*/*', 'text/event-stream', 'text/html', ';;')),
  fc.tuple(fc.constant('content-encoding'), fc.constantFrom('gzip', 'identity')),
  fc.tuple(fc.constant('origin'), fc.constantFrom('null', 'http://x', 'https://evil.example')),
  fc.tuple(
    fc.stringMatching(/^[a-z-]{1,20}$/).map((name) => `x-${name}`),
    fc.string({ unit: 'grapheme-ascii' }),
  ),
);

const mediaType = fc.oneof(
  { weight: 5, arbitrary: fc.constant('application/json') },
  { weight: 5, arbitrary: fc.constant('application/x-ndjson') },
  fc.constantFrom(
    'text/plain',
    'application/json; charset=utf-16',
    'APPLICATION/JSON',
    '',
    ';',
    'x',
  ),
);

const type = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('answer', 'thinking', 'error', 't'.repeat(64)) },
  fc.constantFrom('complete', 'stop', 'session_title', '__proto__', 'a\nb', 'a\rdata: x', 'é', ''),
);
const hostileValue = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom('\r\n\r\nevent: x', '\u0000', '\uFEFF', '\u2028\u2029\u0085', '\ud800', null),
);
const event = fc.record(
  {
    type,
    content: fc.oneof(fc.string({ unit: 'binary' }), hostileValue),
    done: fc.oneof(fc.boolean(), hostileValue),
    id: fc.oneof(fc.string(), hostileValue),
    timestamp: fc.oneof(fc.constant('2026-01-01T12:00:00Z'), hostileValue),
    data: fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), hostileValue),
    extra: hostileValue,
  },
  { requiredKeys: [] },
);
const good = fc.record(
  {
    type: fc.constant('answer'),
    content: fc.string({ unit: 'binary' }),
    id: fc.constantFrom(...'abcdefgh'),
  },
  { requiredKeys: ['type', 'content'] },
);
const eventText = fc.oneof(
  { weight: 4, arbitrary: good.map((one) => JSON.stringify(one)) },
  { weight: 3, arbitrary: event.map((one) => JSON.stringify(one)) },
  fc.constantFrom(
    '{"type":"t","data":{"__proto__":1}}',
    '{"type":"t","data":{"x":1e400}}',
    '{',
    '',
  ),
  fc.constantFrom(`{"type":"t","data":${'{"a":'.repeat(70)}1${'}'.repeat(71)}`, '['.repeat(5000)),
);
const body = fc.oneof(
  eventText.map((text) => Buffer.from(text)),
  fc.array(eventText, { maxLength: 6 }).map((texts) => Buffer.from(`[${texts.join(',')}]`)),
  fc
    .tuple(fc.array(eventText, { maxLength: 6 }), fc.constantFrom('\n', '\r\n', '\n\n \n'))
    .map(([texts, end]) => Buffer.from(texts.join(end))),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(Buffer.from('\uFEFF{"type":"t"}'), Buffer.from('null'), Buffer.alloc(0)),
);

const paths: Readonly<Record<Route, string>> = {
  events: '/sessions/SID/messages/MID/events',
  stream: '/sessions/SID/messages/MID/stream',
  inputs: '/sessions/SID/messages/MID/inputs',
  inputFeed: '/sessions/SID/messages/MID/inputs/stream',
  stop: '/sessions/SID/messages/MID/stop',
  lease: '/sessions/SID/messages/MID/lease',
  status: '/sessions/SID/messages/MID',
  session: '/sessions/SID',
  chat: '/ai-sdk/sessions/SID/stream',
  unknown: '/sessions/SID/messages/MID/unknown',
};
const route = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Route>('events') },
  { weight: 3, arbitrary: fc.constant<Route>('inputs') },
  fc.constantFrom(...(Object.keys(paths) as Route[])),
);
const method = fc.oneof(
  { weight: 6, arbitrary: fc.constant('POST') },
  fc.constantFrom('GET', 'HEAD', 'DELETE', 'PUT', 'PATCH', 'OPTIONS', 'SEARCH'),
);

/** @param sid the session of the streams that may be changed */
export function requests(sid: string): fc.Arbitrary<FuzzRequest> {
  return fc
    .record({
      method,
      route,
      sid: fc.oneof({ weight: 9, arbitrary: fc.constant(sid) }, hostileId),
      mid: fc.oneof({ weight: 9, arbitrary: ownMid }, hostileId),
      query,
      headers: fc.oneof(
        { weight: 2, arbitrary: fc.constant([]) },
        fc.array(header, { maxLength: 4 }),
      ),
      mediaType,
      body,
      isChunked: fc.boolean(),
      /** How many bytes of the body are never sent. */
      missing: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 9 })),
      cuts: fc.array(fc.nat(500), { maxLength: 4 }),
      mangled: fc.oneof(
        { weight: 8, arbitrary: fc.constant(null) },
        fc.tuple(fc.nat(400), fc.uint8Array({ minLength: 1, maxLength: 3 })),
      ),
    })
    .map((parts) => toRequest(parts, sid));
}

interface Parts {
  readonly method: string;
  readonly route: Route;
  readonly sid: string;
  readonly mid: string;
  readonly query: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly mediaType: string;
  readonly body: Buffer;
  readonly isChunked: boolean;
  readonly missing: number;
  readonly cuts: readonly number[];
  readonly mangled: readonly [number, Uint8Array] | null;
}

function toRequest(parts: Parts, ownSid: string): FuzzRequest {
  const { method, mangled, headers } = parts;
  const path = paths[parts.route].replace('SID', () => parts.sid).replace('MID', () => parts.mid);
  const lines = headers.map(([name, value]) => `${name}: ${value.replaceAll(/[^ -~]/g, '?')}`);
  const head = [`${method} ${path}${parts.query} HTTP/1.1`, 'host: localhost', ...lines];
  const { bytes: framed, isComplete } = frame(parts);
  const whole = Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n`), framed]);
  const ids = [idIn(parts.sid), idIn(parts.mid)] as const;
  const isSession = parts.route === 'session' || parts.route === 'chat';
  // A client that deletes the session, or writes to a stream of another one, is left out of the model.
  const isOwn = ids[0] === ownSid;
  return {
    sent: {
      method,
      route: parts.route,
      hasIds: ids[0] !== null && (isSession || ids[1] !== null),
      isMangled: mangled !== null,
      isComplete,
      hasProducer: headers.some(([name]) => name.startsWith('producer-')),
    },
    ids: [isOwn ? ownSid : (ids[0] ?? 'none'), ids[1] ?? 'none'],
    bytes: mangled === null ? whole : mangle(whole, mangled),
    cuts: parts.cuts,
  };
}

/** The id that a part of a path stands for; null when it is none. */
function idIn(part: string): string | null {
  try {
    const id = decodeURIComponent(part);
    return idPattern.test(id) ? id : null;
  } catch {
    return null; // it cannot be decoded
  }
}

/** The end of the head, and the body with its length or in chunks. */
function frame({ method, mediaType, body, isChunked, missing }: Parts) {
  const hasBody = method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';
  if (!hasBody) return { bytes: Buffer.from('\r\n'), isComplete: true };
  const type = mediaType === '' ? '' : `content-type: ${mediaType}\r\n`;
  const length = isChunked ? 'transfer-encoding: chunked' : `content-length: ${body.length}`;
  const framed = isChunked ? toChunks(body) : body;
  const sent = framed.subarray(0, Math.max(0, framed.length - missing));
  return {
    bytes: Buffer.concat([Buffer.from(`${type}${length}\r\n\r\n`), sent]),
    isComplete: sent.length === framed.length,
  };
}

function toChunks(body: Buffer): Buffer {
  const middle = Math.floor(body.length / 2);
  const pieces = [body.subarray(0, middle), body.subarray(middle)];
  const chunks = pieces.flatMap((piece) =>
    piece.length === 0
      ? []
      : [Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')],
  );
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
}

function mangle(bytes: Buffer, [at, put]: readonly [number, Uint8Array]): Buffer {
  const place = at % bytes.length;
  return Buffer.concat([bytes.subarray(0, place), put, bytes.subarray(place + put.length)]);
}

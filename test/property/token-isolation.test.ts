import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StreamManager } from '../../src/store/stream-manager.js';
import { memoryBackend } from '../support/backends.js';
import { stored } from '../support/events.js';
import { inputsOf } from '../support/inputs.js';
import { makeKey } from '../support/keys.js';
import { startApp, type TestApp } from '../support/test-app.js';
import { bring, places, readerOptions, sign, type TokenPlace } from '../support/tokens.js';
import { runs } from './runs.js';

/** Sessions and messages whose names are easily taken for one another. */
const sids = ['s', 's2', 'S', 's.', 'sessions'];
const mids = ['m', 'm2', 'M', 'M2', 'messages', 'MESSAGES']; // a feed of one that is not there would wait for it
const streams = sids.flatMap((sessionId) => mids.map((messageId) => ({ sessionId, messageId })));

/** What tokens are for. All of them are for the first session. */
const grants = [
  { mid: 'm', scope: 'read' },
  { mid: 'm', scope: 'read stop' },
  { mid: 'm', scope: 'read input' },
  { mid: undefined, scope: 'read' },
  { mid: undefined, scope: 'read stop input' },
] as const;

type Grant = (typeof grants)[number];

interface RawRequest {
  readonly method: string;
  readonly target: string;
}

const encodeAll = (text: string) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

/** Ways to write one part of a path, of which the first one is the plain way. */
const writings: readonly ((part: string) => string)[] = [
  (part) => part,
  (part) => encodeAll(part),
  (part) => `%${part.charCodeAt(0).toString(16)}${part.slice(1)}`,
  (part) => encodeAll(part).replaceAll('%', '%25'),
  (part) => part.toUpperCase(),
  (part) => `${part}%00`,
  (part) => `${part}%20`,
  (part) => `${part};x=1`,
  (part) => `x/../${part}`,
  (part) => `x%2f..%2F${part}`,
  (part) => `${part}/.`,
  (part) => `%2e%2e/${part}`,
  (part) => `${part}%2f..%2fm2`,
  () => '',
];

const part = (...texts: string[]) =>
  fc
    .tuple(
      fc.constantFrom(...texts),
      fc.oneof(
        { weight: 12, arbitrary: fc.constant(writings[0] as (text: string) => string) },
        { weight: 1, arbitrary: fc.constantFrom(...writings) },
      ),
    )
    .map(([text, write]) => write(text));

const oftenPlain = (plain: string, ...others: string[]) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(plain) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );

const slash = oftenPlain('/', '//', '/./', '%2F', '%5c', '\\', '/../', ';/', '?/', '#/');
const tail = fc.constantFrom(
  ...['', 'events', 'stream', 'stop', 'inputs', 'inputs/stream', 'lease'],
  ...['events', 'stream', 'stop', 'inputs'],
);
const begin = oftenPlain('', 'http://127.0.0.1', 'http://x@y', '/healthz/..', '/metrics/..', '/.');
const end = oftenPlain('', '/', '//', '?', '?sid=s&mid=m', '#', '%2f', '%2e', '.json', '?/healthz');

const request: fc.Arbitrary<RawRequest> = fc
  .record({
    method: fc.constantFrom(
      'GET',
      'GET',
      'GET',
      'HEAD',
      'POST',
      'POST',
      'DELETE',
      'OPTIONS',
      'PUT',
    ),
    begin,
    parts: fc.oneof(
      fc.tuple(
        part('sessions'),
        part('s', 's', ...sids),
        part('messages'),
        part('m', 'm', ...mids),
        tail,
      ),
      fc.tuple(part('sessions'), part('s', 's', ...sids)),
      fc.tuple(part('metrics', 'healthz', 'sessions', 'docs', 'inspector', 'openapi.json')),
    ),
    slashes: fc.array(slash, { minLength: 5, maxLength: 5 }),
    end,
  })
  .map(({ method, begin, parts, slashes, end }) => {
    const path = parts
      .map((text, index) => (text === '' ? '' : `${slashes[index]}${text}`))
      .join('');
    return { method, target: `${begin}${path === '' ? '/' : path}${end}`.replaceAll(' ', '%20') };
  });

const chatRequest: fc.Arbitrary<RawRequest> = fc
  .record({
    method: fc.constantFrom('GET', 'GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'),
    parts: fc.tuple(part('ai-sdk'), part('sessions'), part('s', 's', ...sids), part('stream')),
    end,
  })
  .map(({ method, parts, end }) => ({ method, target: `/${parts.join('/')}${end}` }));

/** What anybody may see, and shows nothing of streams. */
const open = ['', 'healthz', 'docs', 'inspector', 'openapi.json'];

/** What the request names, read in the plainest way: each part decoded once, nothing mended. */
function namedBy({ target }: RawRequest): readonly string[] | null {
  const path = target.replace(/^http:\/\/[^/?#]*/, '').split(/[?#]/, 1)[0] as string;
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return null;
  }
}

/** Whether the token opens it, as docs/protocol.md says; or anybody may. */
function isAllowed(raw: RawRequest, { mid, scope }: Grant): boolean {
  const parts = namedBy(raw);
  if (parts === null) return false;
  const [sessions, sid, messages, ownMid, ...rest] = parts;
  const route = rest.join('/');
  const isReading = raw.method === 'GET' || raw.method === 'HEAD';
  if (parts.length <= 1 && open.includes(parts[0] ?? '')) return isReading;
  if (sessions !== 'sessions' || sid !== 's') return false;
  if (messages === undefined) return isReading && mid === undefined;
  if (messages !== 'messages' || (mid !== undefined && ownMid !== mid)) return false;
  if (route === 'stop') return raw.method === 'POST' && scope.includes('stop');
  if (route === 'inputs' && raw.method === 'POST') return scope.includes('input');
  if (rest.length === 0) return isReading;
  return isReading && ['events', 'stream', 'inputs', 'inputs/stream'].includes(route);
}

describe('A reader token', () => {
  let app: TestApp;
  let manager: StreamManager;
  beforeAll(async () => {
    manager = await memoryBackend.create();
    const apiKeys = [makeKey('append', 'read', 'input', 'admin').key];
    app = await startApp(manager, { auth: { apiKeys, reader: readerOptions() } });
    for (const stream of streams) {
      await manager.appendEvents(stream, stored({ type: 'answer', content: markOf(stream) }));
      const input = { type: 'message', id: 'i', content: markOf(stream) };
      await manager.appendInputs(stream, await inputsOf(input));
    }
  });
  afterAll(async () => {
    await app.close();
    await manager.close();
  });

  /** Sends it as it is written. Resolves with the response, of a feed with its first event. */
  async function send(raw: RawRequest, token: string, place: TokenPlace): Promise<string> {
    const { headers, query } = bring(token, place);
    const isFirst = !raw.target.includes('?');
    const [path, fragment = ''] = raw.target.split(/(?=#)/, 2) as [string, string?];
    const target = `${path}${isFirst ? query : query.replace('?', '&')}${fragment}`;
    inputCount += 1;
    const input = `{"type":"message","id":"i${inputCount}"}`;
    const bodies = /inputs/.test(target) ? input : /events/.test(target) ? '{"type":"answer"}' : '';
    const body = raw.method === 'POST' ? bodies : '';
    const lines = [
      `${raw.method} ${target} HTTP/1.1`,
      'host: x',
      'connection: close',
      'sec-fetch-site: same-origin',
      'content-type: application/json',
      'producer-lease: 60',
      `content-length: ${body.length}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname);
    let response = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      response += text;
      if (/text\/event-stream.*\r\n\r\n.*<<[^\n]*>>/s.test(response)) socket.destroy();
    });
    socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
    await once(socket, 'close');
    return response;
  }

  async function snapshot(): Promise<Map<string, string>> {
    const states = streams.map(async (stream) => {
      const info = await manager.getStatus(stream);
      const { length } = await manager.listStreams(stream.sessionId);
      return [
        markOf(stream),
        JSON.stringify([info?.nextOffset, info?.status, info?.inputs, length]),
      ] as const;
    });
    return new Map(await Promise.all(states));
  }

  it.each(grants)(
    'with scope $scope for $mid reads, writes, stops and lists nothing else',
    async (grant) => {
      const { mid, scope } = grant;
      const token = await sign({ sid: 's', ...(mid !== undefined && { mid }), scope });
      const isOwn = ({ sessionId, messageId }: (typeof streams)[number]) =>
        sessionId === 's' && (mid === undefined || messageId === mid);
      const strange = streams.filter((stream) => !isOwn(stream)).map(markOf);
      let before = await snapshot();
      const seen = { opened: 0, forbidden: 0 };

      await fc.assert(
        fc.asyncProperty(request, fc.constantFrom(...places), async (raw, place) => {
          const response = await send(raw, token, place);
          const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1]);
          if (status === 403) seen.forbidden += 1;
          if (isAllowed(raw, grant)) seen.opened += status < 300 ? 1 : 0;
          else expect([400, 401, 403, 404, 405, 421]).toContain(status);
          expect(strange.filter((mark) => response.includes(mark))).toEqual([]);
          const after = await snapshot();
          const changed = [...after].filter(([mark, state]) => before.get(mark) !== state);
          const mayChange = isAllowed(raw, grant) && raw.method === 'POST';
          expect(changed.filter(([mark]) => !mayChange || strange.includes(mark))).toEqual([]);
          before = after;
        }),
        { numRuns: runs(200) },
      );
      // What is rejected everywhere, or reaches no route at all, would prove nothing.
      expect(seen.opened).toBeGreaterThan(3);
      expect(seen.forbidden).toBeGreaterThan(15);
    },
  );

  it.each(grants)(
    'with scope $scope for $mid opens no AI SDK feed but that of its whole session',
    async (grant) => {
      const { mid, scope } = grant;
      const token = await sign({ sid: 's', ...(mid !== undefined && { mid }), scope });
      const strange = streams.filter(({ sessionId }) => sessionId !== 's').map(markOf);
      await fc.assert(
        fc.asyncProperty(chatRequest, fc.constantFrom(...places), async (raw, place) => {
          const response = await send(raw, token, place);
          const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1]);
          const isReading = raw.method === 'GET' || raw.method === 'HEAD';
          const isOwn = namedBy(raw)?.join('/') === 'ai-sdk/sessions/s/stream';
          if (isOwn && raw.target.endsWith('#')) return; // no fragment is ever sent: it joins the token
          if (isOwn && isReading && mid === undefined) expect(status).toBeLessThan(300);
          else expect([400, 401, 403, 404, 405, 421]).toContain(status);
          expect(strange.filter((mark) => response.includes(mark))).toEqual([]);
        }),
        { numRuns: runs(120) },
      );
    },
  );
});

let inputCount = 0;

function markOf({ sessionId, messageId }: (typeof streams)[number]): string {
  return `<<${sessionId} ${messageId}>>`;
}

import { expect, it } from 'vitest';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { openSocket, rawBytes } from '../support/raw-http.js';
import { waitFor } from '../support/wait-for.js';

const json = { 'content-type': 'application/json' };
const long = 'x'.repeat(5000);

const types = [
  'application/x-www-form-urlencoded',
  'text/plain;charset=UTF-8',
  'application/json; charset=utf-16',
  'application/octet-stream',
  'application/x-ndjson',
  'what is this',
];
const noBody = { 'no length': '', 'a length of 0': 'content-length: 0\r\n' };
const empty = [...Object.entries(noBody), ['no chunk', 'transfer-encoding: chunked\r\n'] as const];

describeApp('A request that needs no body', { timeouts: { bodyMs: 60_000 } }, (source) => {
  const { stream } = source;
  const ask = (method: string, url: string, head: string, body = '') =>
    rawBytes(
      source.app.url,
      `${method} ${new URL(url).pathname} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${head}\r\n${body}`,
    );

  it.each(types.flatMap((type) => empty.map(([name, head]) => [type, name, head] as const)))(
    'with the type "%s" and %s is served as one without a type',
    async (type, name, head) => {
      const one = stream();
      await one.postAnswers(1);
      const body = name === 'no chunk' ? '0\r\n\r\n' : '';
      const typed = `content-type: ${type}\r\n${head}`;
      const append = await ask('POST', one.eventsUrl, typed, body);
      expect(append).toMatch(/^HTTP\/1.1 400 /);
      const lease = `producer-lease: 30\r\n${typed}`;
      expect(await ask('POST', `${one.url}/lease`, lease, body)).toMatch(/^HTTP\/1.1 200 /);
      expect(await ask('POST', `${one.url}/stop`, typed, body)).toMatch(/"streamStatus":"stopped"/);
      expect(await ask('DELETE', one.url, typed, body)).toMatch(/^HTTP\/1.1 204 /);
    },
  );

  it.each([
    ['POST', '/lease', 200],
    ['DELETE', '', 204],
  ])('%s %s gets its response before its body has arrived', async (method, path, status) => {
    const one = stream();
    await one.postAnswers(1);
    const socket = openSocket(source.app.url);
    socket.write(`${method} ${one.path + path} HTTP/1.1\r\nhost: x\r\n`);
    socket.write('producer-lease: 30\r\ncontent-type: text/plain\r\n');
    socket.write('content-encoding: gzip\r\ncontent-length: 99999999\r\n\r\n');
    await waitFor('the response', () => socket.response.startsWith(`HTTP/1.1 ${status} `));
    const isOver = new Promise((resolve) => socket.on('close', resolve));
    const sending = setInterval(() => socket.write('x'), 50); // not for ever
    await isOver;
    clearInterval(sending);
  });
});

async function stop(
  one: TestStream,
  body: string | Buffer,
  headers: Record<string, string> = json,
) {
  const response = await fetch(`${one.url}/stop`, { method: 'POST', headers, body });
  return (await response.json()) as Record<string, unknown>;
}

describeApp('The body of POST …/stop', {}, ({ stream }) => {
  it('may have 16 KiB, with a length and chunked', async () => {
    const reason = JSON.stringify({ reason: 'x'.repeat(1000) });
    const fits = reason + ' '.repeat(16 * 1024 - reason.length);
    expect(await stop(stream(), fits)).toEqual({ streamStatus: 'stopped' });
    const one = stream();
    const large = { status: 413, code: 'body_too_large', stored: 0 };
    expect(await stop(one, `${fits} `)).toMatchObject(large);
    const sent = new Blob([`${fits} `]).stream();
    const chunked = { method: 'POST', headers: json, body: sent, duplex: 'half' } as RequestInit;
    expect(await (await fetch(`${one.url}/stop`, chunked)).json()).toMatchObject(large);
    expect((await fetch(one.url)).status).toBe(404);
  });

  it.each([
    ['not UTF-8', Buffer.from('{"reason":"\xff"}', 'latin1'), 'invalid_json', /UTF-8/],
    ['not JSON', '{"reason":', 'invalid_json', /too early/],
    ['nested too deep', `{"reason":${'['.repeat(7000)}${']'.repeat(7000)}}`, 'invalid_event', /64/],
    ['a __proto__ key', '{"__proto__":{"reason":"x"}}', 'invalid_event', /__proto__/],
  ])('is rejected when it is %s, and nothing is stopped', async (_, body, code, detail) => {
    const one = stream();
    const problem = await stop(one, body);
    expect(problem).toMatchObject({ status: 400, code, stored: 0 });
    expect(problem.detail).toMatch(detail);
    expect((await fetch(one.url)).status).toBe(404);
  });

  it('has to be JSON: NDJSON is rejected', async () => {
    const problem = await stop(stream(), '{"reason":1}\n', {
      'content-type': 'application/x-ndjson',
    });
    expect(problem).toMatchObject({ status: 415, code: 'unsupported_media_type', stored: 0 });
  });
});

describeApp('A message that quotes a request', {}, ({ stream }) => {
  it.each<[string, (one: TestStream) => Promise<Record<string, unknown>>]>([
    ['a key of a stop', (one) => stop(one, JSON.stringify({ [long]: 1 }))],
    ['a field of an event', async (one) => (await one.post({ type: 't', [long]: 1 })).body],
    ['a content encoding', async (one) => (await one.post({}, { 'content-encoding': long })).body],
    [
      'a charset',
      async (one) =>
        (await one.post({}, { 'content-type': `application/json; charset=${long}` })).body,
    ],
  ])('is cut: %s', async (_, ask) => {
    const { detail, stored } = await ask(stream());
    expect(stored).toBe(0);
    expect((detail as string).length).toBeLessThan(200);
  });
});

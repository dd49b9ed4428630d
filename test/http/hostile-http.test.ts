import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { rawBytes, rawRequest } from '../support/raw-http.js';

const events = '/sessions/hostile/messages/m/events';
const json = 'content-type: application/json\r\n';
const close = 'connection: close\r\n';

function post(head: string, body: string, path = events): string {
  return `POST ${path} HTTP/1.1\r\nhost: x\r\n${head}\r\n${body}`;
}

const event = '{"type":"t"}';
const chunked = 'transfer-encoding: chunked\r\n';

/** Requests of which two parsers may think differently. */
const ambiguous: Record<string, string> = {
  'a length and chunks': post(
    `${json}content-length: 12\r\n${chunked}`,
    `c\r\n${event}\r\n0\r\n\r\n`,
  ),
  'two lengths': post(`${json}content-length: 12\r\ncontent-length: 13\r\n`, `${event} `),
  'a list of lengths': post(`${json}content-length: 12, 12\r\n`, event),
  'a negative length': post(`${json}content-length: -1\r\n`, event),
  'a length with a sign': post(`${json}content-length: +12\r\n`, event),
  'a length in hex': post(`${json}content-length: 0xc\r\n`, event),
  'a huge length': post(`${json}content-length: 99999999999999999999\r\n`, event),
  'a chunk whose size is no number': post(json + chunked, `z\r\n${event}\r\n0\r\n\r\n`),
  'a chunk of negative size': post(json + chunked, `-c\r\n${event}\r\n0\r\n\r\n`),
  'a chunk that is longer than it says': post(json + chunked, `1\r\n${event}\r\n0\r\n\r\n`),
  'an unknown transfer coding': post(`${json}transfer-encoding: x\r\n`, event),
  'chunks that are not the last coding': post(
    `${json}transfer-encoding: chunked, gzip\r\n`,
    `c\r\n${event}\r\n0\r\n\r\n`,
  ),
  'a space before a colon': post(`${json}content-length : 12\r\n`, event),
  'a folded header': post(`${json}x: a\r\n b\r\ncontent-length: 12\r\n`, event),
  'a NUL in a header': post(`${json}x: \0\r\ncontent-length: 12\r\n`, event),
  'line feeds alone': post(`${json}content-length: 12\r\n`, event).replaceAll('\r\n', '\n'),
  'a version that does not exist': post(json, '').replace('HTTP/1.1', 'HTTP/9.9'),
  'a method that does not exist': post(json, '').replace('POST', 'P OST'),
};

describeApp('The HTTP parser', {}, (source) => {
  it.each(Object.entries(ambiguous))('rejects %s, and closes the connection', async (_, text) => {
    const smuggled = `GET /healthz HTTP/1.1\r\nhost: x\r\n${close}\r\n`;
    const response = await rawBytes(source.app.url, text + smuggled);
    expect(response).toMatch(/^HTTP\/1.1 400 /);
    expect(response).toContain('application/problem+json');
    expect(response).not.toContain('{"status":"ok"}');
    expect(response.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    const stored = await fetch(source.app.url + events);
    expect(await stored.json()).toMatchObject({ events: [] });
  });

  it.each([
    ['producer-id', 'w'],
    ['producer-epoch', '1'],
    ['producer-seq', '0'],
    ['producer-lease', '5'],
  ])('rejects %s that is given twice', async (name, value) => {
    const producer = 'producer-id: w\r\nproducer-epoch: 1\r\nproducer-seq: 0\r\n';
    const others = name === 'producer-lease' ? `${name}: ${value}\r\n` : producer;
    const twice = `${others}${name}: ${value}\r\n`;
    const response = await rawBytes(
      source.app.url,
      post(`${json}${twice}${close}content-length: 12\r\n`, event),
    );
    expect(response).toMatch(/^HTTP\/1.1 400 .*"code":"invalid_header".*"stored":0/s);
  });

  it('rejects a request without Host, with a problem document', async () => {
    const head = `POST ${events} HTTP/1.1\r\n${json}${close}content-length: 12\r\n\r\n${event}`;
    const response = await rawBytes(source.app.url, head);
    expect(response).toMatch(/^HTTP\/1.1 400 .*"code":"invalid_header".*"stored":0/s);
    expect(await rawBytes(source.app.url, 'GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/ 200 /);
  });

  it('rejects a request with two Hosts, which is ambiguous', async () => {
    for (const version of ['1.0', '1.1']) {
      const response = await rawRequest(source.app.url, events, version, 'Host: y\r\n');
      expect(response).toMatch(/^HTTP\/1.1 400 .*"code":"invalid_header"/s);
    }
  });

  it.each([
    ['host', 'Host: y'],
    ['producer-id', 'Producer-Id: w', 'Producer-Id: w', 'Producer-Epoch: 0', 'Producer-Seq: 0'],
    ['content-encoding', 'Content-Encoding: gzip'],
    ['origin', 'Origin: https://other.example'],
  ])('sees %s behind thousands of other header lines', async (_, ...lines) => {
    const { pathname } = new URL(source.stream().eventsUrl);
    const others = 'a:\r\n'.repeat(2500);
    const head = `${json}${close}content-length: 12\r\n${others}${lines.join('\r\n')}\r\n`;
    const response = await rawBytes(source.app.url, post(head, event, pathname));
    expect(response).toMatch(/^HTTP\/1.1 4\d\d .*"stored":0/s);
    expect(await (await fetch(source.app.url + pathname)).json()).toMatchObject({ events: [] });
  });

  it.each([
    ['1.1', 'gzip, chunked', 501, 'not_implemented'],
    ['1.1', 'identity, chunked', 501, 'not_implemented'],
    ['1.1', 'gzip\r\ntransfer-encoding: chunked', 501, 'not_implemented'],
    ['1.0', 'chunked', 400, 'invalid_header'],
  ])(
    'rejects, in HTTP/%s, Transfer-Encoding: %s with %i %s',
    async (version, codings, status, code) => {
      const { pathname } = new URL(source.stream().eventsUrl);
      for (const path of [pathname, pathname.replace('/events', '/stop'), '/none']) {
        const head = `${json}transfer-encoding: ${codings}\r\n${close}`;
        const request = post(head, `c\r\n${event}\r\n0\r\n\r\n`, path);
        const response = await rawBytes(
          source.app.url,
          request.replace('HTTP/1.1', `HTTP/${version}`),
        );
        expect(response).toMatch(
          new RegExp(`^HTTP/1.1 ${status} .*"code":"${code}".*"stored":0`, 's'),
        );
      }
      expect(await (await fetch(source.app.url + pathname)).json()).toMatchObject({ events: [] });
    },
  );

  it.each([
    'a b',
    'http://x',
    'x/',
    'x?y',
    'u@x',
    'x:y',
    'x:1:2',
    '[x]',
    '[::1',
    '::1',
    'x%zz',
    'é',
  ])('rejects "%s" as a Host, which it is not', async (host) => {
    const { pathname } = new URL(source.stream().eventsUrl);
    const request = post(`${json}${close}content-length: 12\r\n`, event, pathname);
    const response = await rawBytes(source.app.url, request.replace('host: x', `host: ${host}`));
    expect(response).toMatch(/^HTTP\/1.1 400 .*"code":"invalid_header".*"stored":0/s);
  });

  it('ignores an Expect other than 100-continue', async () => {
    const expecting = 'expect: something\r\n';
    const response = await rawRequest(source.app.url, '/healthz', '1.1', expecting);
    expect(response).toMatch(/^HTTP\/1.1 200 .*x-content-type-options: nosniff/s);
    const rejected = await rawRequest(source.app.url, '/none', '1.1', expecting);
    expect(rejected).toMatch(/^HTTP\/1.1 404 .*"code":"not_found"/s);
  });

  it('takes the first of two Content-Type headers', async () => {
    const { pathname } = new URL(source.stream().eventsUrl);
    const head = `${json}content-type: text/plain\r\n${close}content-length: 12\r\n`;
    expect(await rawBytes(source.app.url, post(head, event, pathname))).toMatch(/^HTTP\/1.1 201 /);
  });

  it('stores the same whatever pieces a request arrives in, parts of characters too', async () => {
    const text = '{"type":"t","content":"aé€🙂"}';
    for (const type of ['application/json', 'application/x-ndjson']) {
      const one = source.stream();
      const { pathname } = new URL(one.eventsUrl);
      const body = Buffer.from(text);
      const head = `content-type: ${type}\r\n${close}content-length: ${body.length}\r\n`;
      const request = Buffer.concat([Buffer.from(post(head, '', pathname)), body]);
      expect(await sendInPieces(source.app.url, request)).toMatch(/^HTTP\/1.1 201 /);
      expect(await (await fetch(one.eventsUrl)).text()).toContain(text.slice(0, -1));
    }
  });

  it('responds to HEAD as to GET, and rejects what is no feed', async () => {
    const one = source.stream();
    await one.post({ type: 'answer' });
    const head = await fetch(one.eventsUrl, { method: 'HEAD' });
    const get = await fetch(one.eventsUrl);
    expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'));
    const rejected = await fetch(`${one.url}/stream`, { headers: { accept: 'application/json' } });
    expect([rejected.status, await rejected.json()]).toMatchObject([
      406,
      { code: 'not_acceptable' },
    ]);
  });
});

/** One write for each byte. */
async function sendInPieces(base: string, bytes: Buffer): Promise<string> {
  const socket = connect(Number(new URL(base).port), '127.0.0.1').setNoDelay(true);
  let response = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    response += text;
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const byte of bytes) {
    socket.write(Buffer.of(byte));
    await nextTurn();
  }
  await closed;
  return response;
}

describeApp('A request head that never ends', {}, (source) => {
  it('gets 408 when its time is over', async () => {
    const { server } = source.app.app;
    expect(server.headersTimeout).toBeGreaterThan(0);
    server.headersTimeout = 500;
    const response = await rawBytes(source.app.url, 'GET /healthz HTTP/1.1\r\nhost: x\r\nx: ');
    expect(response).toMatch(/^HTTP\/1.1 408 /);
    expect(response).toContain('"code":"request_timeout"');
  });
});

describeApp('A JSON body that never ends', { timeouts: { bodyMs: 200 } }, (source) => {
  it('gets 408, and nothing of it is stored', async () => {
    const one = source.stream();
    const head = `${json}content-length: 100\r\n`;
    const response = await rawBytes(
      source.app.url,
      post(head, event, new URL(one.eventsUrl).pathname),
    );
    expect(response).toMatch(/^HTTP\/1.1 408 /);
    expect(response).toContain('"stored":0');
    expect(response).toMatch(/connection: close/i);
    expect((await fetch(one.url)).status).toBe(404);
  });
});

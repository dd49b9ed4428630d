import { expect, it } from 'vitest';
import { type AppSource, describeApp } from '../support/app-suite.js';
import { makeKey } from '../support/keys.js';
import { rawBytes } from '../support/raw-http.js';

const body = '{"type":"answer"}';
const json = `content-type: application/json\r\ncontent-length: ${body.length}\r\n`;
const addresses = ['127.0.0.1', '127.0.0.1:8080', '10.1.2.3', '[::1]:8080', '[2001:db8::1]'];
const local = [...addresses, 'localhost'];
const alsoLocal = ['LocalHost:1', 'localhost.', 'a.localhost:80', 'A.B.localhost.'];
const inner = ['localhost.evil.example', '127.0.0.1.evil.example', 'mylocalhost'];
const names = ['evil.example:8080', ...inner, ''];

/** The response to an append; the address of a page, if it is one, is the same as the service's. */
async function append(source: AppSource, host: string, path?: string, head = ''): Promise<string> {
  const { pathname } = new URL(source.stream().eventsUrl);
  const line = `POST ${path ?? pathname} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n`;
  return rawBytes(source.app.url, `${line}${head}${json}\r\n${body}`);
}

const fromPage = 'origin: http://evil.example:8080\r\nsec-fetch-site: same-origin\r\n';
const misdirected = /^HTTP\/1\.1 421 .*"code":"misdirected_request".*"stored":0/s;

describeApp('A service without API keys', { server: { allowedHosts: [] } }, (source) => {
  it.each([...local, ...alsoLocal])('serves requests for the host %s', async (host) => {
    expect(await append(source, host)).toMatch(/^HTTP\/1\.1 201 /);
  });

  it.each(names)(
    'rejects requests for the host "%s", which a page may be made to send (DNS rebinding)',
    async (host) => {
      for (const head of ['', fromPage]) {
        const response = await append(source, host, undefined, head);
        expect(response).toMatch(misdirected);
        expect(response).toContain('server.allowed_hosts');
      }
    },
  );

  it.each([
    ['GET', '/events'],
    ['GET', '/stream'],
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/stop'],
    ['POST', '/lease'],
    ['OPTIONS', ''],
  ])('rejects %s …%s for another host, and changes nothing', async (method, tail) => {
    const one = source.stream();
    await one.post({ type: 'answer' });
    const line = `${method} ${new URL(one.url).pathname}${tail} HTTP/1.1`;
    const head = 'host: evil.example\r\nproducer-lease: 9\r\nconnection: close\r\n';
    const response = await rawBytes(source.app.url, `${line}\r\n${head}\r\n`);
    expect(response).toMatch(/^HTTP\/1\.1 421 .*"code":"misdirected_request"/s);
    const status = await (await fetch(one.url)).json();
    expect(status).toMatchObject({ streamStatus: 'open', nextOffset: 1 });
  });

  const paths = ['/ai-sdk/sessions/s/stream', '/sessions/s', '/metrics', '/healthz', '/inspector'];
  it.each([...paths, '/docs', '/none'])('rejects GET %s for another host', async (path) => {
    const head = 'host: evil.example\r\nconnection: close\r\n\r\n';
    const response = await rawBytes(source.app.url, `GET ${path} HTTP/1.1\r\n${head}`);
    expect(response).toMatch(/^HTTP\/1\.1 421 /);
  });

  it('checks the host of a target in absolute form too', async () => {
    const { pathname } = new URL(source.stream().eventsUrl);
    const target = (host: string) => `http://${host}${pathname}`;
    expect(await append(source, '127.0.0.1', target('evil.example'))).toMatch(misdirected);
    expect(await append(source, 'evil.example', target('127.0.0.1'))).toMatch(misdirected);
    expect(await append(source, '127.0.0.1', target('localhost'))).toMatch(/^HTTP\/1\.1 201 /);
    expect(await append(source, '127.0.0.1', target('u@localhost'))).toMatch(/"invalid_header"/);
  });

  it('serves HTTP/1.0 without Host, which no page can send', async () => {
    expect(await rawBytes(source.app.url, 'GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/ 200 OK/);
  });
});

const listed = { server: { allowedHosts: ['events.example'] } };

const named = { server: { host: 'Node-1.example', allowedHosts: [] } };
for (const [title, options, own] of [
  ['A service with a list of allowed hosts', listed, ['events.example', 'EVENTS.example.:8080']],
  ['A service that listens on a host name', named, ['node-1.example', 'Node-1.example:8080']],
] as const) {
  describeApp(title, options, (source) => {
    it.each([...own, ...local])('serves %s', async (host) => {
      expect(await append(source, host)).toMatch(/^HTTP\/1\.1 201 /);
    });

    it.each(names)('rejects requests for the host "%s"', async (host) => {
      expect(await append(source, host)).toMatch(misdirected);
    });
  });
}

const key = makeKey('append');
const withKey = { server: { allowedHosts: [] }, auth: { apiKeys: [key.key] } };
const authorization = `authorization: Bearer ${key.token}\r\n`;

describeApp('A service with API keys', withKey, (source) => {
  it.each([...names, ...local])('serves requests for the host "%s"', async (host) => {
    expect(await append(source, host, undefined, authorization)).toMatch(/^HTTP\/1\.1 201 /);
  });

  it('rejects a second Authorization behind thousands of other header lines', async () => {
    const head = `${authorization}${'a:\r\n'.repeat(2500)}${authorization}`;
    expect(await append(source, 'x', undefined, head)).toMatch(/^HTTP\/1\.1 401 /);
  });
});

const both = { ...withKey, ...listed };
describeApp('A service with API keys and a list of allowed hosts', both, (source) => {
  it('rejects requests for other hosts, with a key too', async () => {
    expect(await append(source, 'evil.example', undefined, authorization)).toMatch(misdirected);
    expect(await append(source, 'events.example', undefined, authorization)).toMatch(/ 201 /);
  });
});

const origin = 'https://app.example';
const origins = [origin, 'https://*.preview.example'];
const withOrigin = { server: { allowedHosts: [] }, cors: { origins } };

describeApp('A rejection because of the host', withOrigin, (source) => {
  it.each([origin, 'https://pr-17.preview.example'])(
    'can be read by a page of the allowed origin %s, whose host need not be allowed',
    async (from) => {
      for (const host of ['other.example', new URL(from).host]) {
        const response = await append(source, host, undefined, `origin: ${from}\r\n`);
        expect(response).toMatch(/^HTTP\/1\.1 421 /);
        expect(response).toContain(`\r\naccess-control-allow-origin: ${from}\r\n`);
      }
    },
  );
});

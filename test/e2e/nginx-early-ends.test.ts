import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TestCertificates } from '../support/certificates.js';
import { freePort } from '../support/free-port.js';
import { launchNginx, type Nginx } from '../support/nginx-server.js';
import { ServiceProcess } from '../support/service-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

const { NGHTTP2_NO_ERROR: NO_ERROR, NGHTTP2_INTERNAL_ERROR: INTERNAL_ERROR } = constants;

/** What a client got, and whether its response was complete. */
interface Received {
  readonly text: string;
  readonly isComplete: boolean;
}

const overOldHttp = { 'proxy_http_version 1.1;': '' };
const buffering = {
  'proxy_buffering off;': 'proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;',
};

/** Each a change of docs/nginx.conf. */
const ways: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'as documented': {},
  'that speaks HTTP/1.0 to the service': overOldHttp,
  'that compresses': {
    'gzip off;': 'gzip on; gzip_types text/event-stream; gzip_min_length 0;',
  },
  'that buffers': buffering,
};

const formats = ['', '?named=true', '?compact=true'];

const errorLine =
  / \[error\] .*(?:upstream prematurely closed connection|recv\(\) failed \(104: Connection reset by peer\)) while reading upstream, .* request: "GET \/[\w/-]+\/stream/;

describe('A feed that ends early', () => {
  const running: Nginx[] = [];
  let service: ServiceProcess;
  beforeAll(async () => {
    service = await ServiceProcess.listening({ FEED_MAX_AGE: '1s', FEED_LINGER: '0' });
  });
  afterAll(async () => {
    await service.kill();
    await Promise.all(running.map((one) => one.stop()));
  });

  async function nginxWith(changes: Readonly<Record<string, string>>, port = portOf(service.url)) {
    const nginx = await launchNginx({ upstreamPort: port, changes });
    running.push(nginx);
    return nginx;
  }

  /** A stream with two events, in a session of its own, and one that has ended. */
  async function streamsOf(sid: string): Promise<void> {
    const two = [{ type: 'answer', content: 'a' }, { type: 'answer' }];
    await post(eventsUrl(service.url, sid, 'ended'), [...two, { type: 'complete' }]);
    await post(eventsUrl(service.url, sid), two);
  }

  it.concurrent.each(Object.keys(ways))(
    'looks complete in no format behind an nginx %s, and costs it a log line each',
    async (way) => {
      const sid = way.replaceAll(/\W/g, '-');
      const nginx = await nginxWith(ways[way] as Record<string, string>);
      await streamsOf(sid);
      const ended = await receive(feedUrl(nginx.url, '', sid, 'ended'));
      expect(ended.isComplete).toBe(true);
      expect(ended.text).toMatch(/"type":"complete".*\nid: 3-[\da-f]{8}\n\n$/);

      const feeds = await Promise.all(
        formats.map((query) => receive(feedUrl(nginx.url, query, sid))),
      );
      for (const { text, isComplete } of feeds) {
        expect(isComplete).toBe(false);
        expect(text).toMatch(/\nid: 2-[\da-f]{8}\n\n/);
      }
      const chat = await receive(`${nginx.url}/ai-sdk/sessions/${sid}/stream`);
      expect(chat.isComplete).toBe(false);
      expect(chat.text).toMatch(/"delta":"a".*\n\n/);

      expect(nginx.errors()).toHaveLength(formats.length + 1);
      for (const line of nginx.errors()) expect(line).toMatch(errorLine);
    },
  );

  it.concurrent('resets its HTTP/2 stream alone', async () => {
    const certificates = new TestCertificates();
    const port = await freePort();
    const tls = `listen 127.0.0.1:${port} ssl http2; ssl_certificate ${certificates.certificateFile}; ssl_certificate_key ${certificates.keyFile};`;
    await nginxWith({ 'listen 80;': `listen 80; ${tls}` });
    await streamsOf('http2');
    const browser = connect(`https://127.0.0.1:${port}`, {
      ca: certificates.ca,
      servername: certificates.name,
    });
    const paths = formats.map((query) => `/sessions/http2/messages/m1/stream${query}`);
    const feeds = [...paths, '/ai-sdk/sessions/http2/stream'].map((path) =>
      receiveBy(browser, path),
    );
    for (const { text, isComplete } of await Promise.all(feeds)) {
      expect(isComplete).toBe(false);
      expect(text).toMatch(/(?:"delta":"a"|\nid: 2-).*\n\n/s);
    }
    const ended = await receiveBy(browser, '/sessions/http2/messages/ended/stream');
    expect(ended.isComplete).toBe(true);
    browser.close();
    certificates.remove();
  });

  it.concurrent('closes its connection to the service; one that is complete leaves it open', async () => {
    const proxy = await TcpProxy.start(portOf(service.url));
    const nginx = await nginxWith({}, proxy.port);
    await streamsOf('kept');
    for (let count = 0; count < 3; count += 1) {
      const ended = await receive(feedUrl(nginx.url, '', 'kept', 'ended'));
      expect(ended.isComplete).toBe(true);
    }
    expect(proxy.connectionCount).toBe(1);
    expect((await receive(feedUrl(nginx.url, '', 'kept'))).isComplete).toBe(false);
    expect(proxy.connectionCount).toBe(1);
    await receive(feedUrl(nginx.url, '', 'kept', 'ended'));
    expect(proxy.connectionCount).toBe(2);
    await proxy.close();
  });

  it.concurrent('costs no log line where the log has none below crit', async () => {
    const nginx = await nginxWith({
      'error_page 502 504 =200 @away;': 'error_page 502 504 =200 @away; error_log error.log crit;',
    });
    await streamsOf('quiet');
    expect((await receive(feedUrl(nginx.url, '', 'quiet'))).isComplete).toBe(false);
    expect(nginx.errors()).toEqual([]);
  });

  it.concurrent('looks no more complete where it is buffered over HTTP/1.0, and a read is not buffered', async () => {
    const nginx = await nginxWith({ ...overOldHttp, ...buffering });
    await streamsOf('held');
    // What it held back it hands over at the reset, or drops.
    expect((await receive(feedUrl(nginx.url, '', 'held'))).isComplete).toBe(false);
    const read = await receive(`${eventsUrl(nginx.url, 'held')}?offset=2&wait=60`, () =>
      post(eventsUrl(service.url, 'held'), { type: 'answer', content: 'live' }),
    );
    expect(read.isComplete).toBe(true);
    expect(read.text).toContain('"content":"live"');
  });
});

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/**
 * By fetch, which drops what it has not handed out when the response breaks.
 *
 * @param meanwhile done while the response is awaited
 */
async function receive(url: string, meanwhile?: () => Promise<unknown>): Promise<Received> {
  const asked = fetch(url);
  await meanwhile?.();
  const { body } = await asked;
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const piece of body ?? []) text += decoder.decode(piece, { stream: true });
  } catch {
    return { text, isComplete: false };
  }
  return { text, isComplete: true };
}

/** The same over HTTP/2, on a connection that goes on. */
function receiveBy(browser: ClientHttp2Session, path: string): Promise<Received> {
  const stream = browser.request({ ':path': path, ':authority': '127.0.0.1' }).setEncoding('utf8');
  let text = '';
  stream.on('data', (piece: string) => {
    text += piece;
  });
  stream.on('error', () => {}); // 'close' follows
  return new Promise((resolve) => {
    stream.on('close', () => {
      expect([NO_ERROR, INTERNAL_ERROR]).toContain(stream.rstCode);
      resolve({ text, isComplete: stream.rstCode === NO_ERROR });
    });
  });
}

const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n';

/** Stands in for a service that sends a comment, and then no more than its kernel sends for it. */
async function startBroken(end: 'FIN' | 'RST'): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {}); // nginx may close first
    socket.once('data', (request) => {
      const isOld = request.includes(' HTTP/1.0\r\n');
      const body = isOld ? '\r\n: x\n' : 'Transfer-Encoding: chunked\r\n\r\n4\r\n: x\n\r\n';
      socket.write(head + body);
      if (end === 'FIN') socket.end();
      else socket.write('', () => socket.resetAndDestroy());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return server;
}

it.each([
  ['1.1', 'FIN', false],
  ['1.1', 'RST', false],
  ['1.0', 'RST', false],
  ['1.0', 'FIN', true], // which is what is sent for a process that was killed
] as const)(
  'nginx that speaks HTTP/%s treats a %s as a complete response: %s',
  async (version, end, isComplete) => {
    const { port } = (await startBroken(end)).address() as AddressInfo;
    const changes = version === '1.0' ? overOldHttp : {};
    const nginx = await launchNginx({ upstreamPort: port, changes });
    onTestFinished(nginx.stop);
    expect((await receive(feedUrl(nginx.url))).isComplete).toBe(isComplete);
  },
);

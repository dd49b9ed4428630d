import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { rawBytes } from '../support/raw-http.js';
import { unlessStalled } from '../support/unless-stalled.js';
import { waitFor } from '../support/wait-for.js';

const formats = ['', '?named=true', '?compact=true'];
const lastChunk = /\r\n0\r\n\r\n$/;
/** After which a client may come to the last bytes and the reset at once, and take both for an end. */
const stallMs = 100;
const brief = { maxAgeMs: 1000, lingerMs: 0, waitMs: 200 };

function feedRequest(one: TestStream, query = '', version = '1.1', head = ''): string {
  const { pathname } = new URL(one.url);
  return `GET ${pathname}/stream${query} HTTP/${version}\r\nhost: x\r\n${head}\r\n`;
}

/** The body without the framing of its chunks. */
function unchunked(response: string): string {
  let rest = response.slice(response.indexOf('\r\n\r\n') + 4);
  let body = '';
  for (let size = Number.parseInt(rest, 16); size > 0; size = Number.parseInt(rest, 16)) {
    const from = rest.indexOf('\r\n') + 2;
    body += rest.slice(from, from + size);
    expect(rest.slice(from + size, from + size + 2)).toBe('\r\n');
    rest = rest.slice(from + size + 2);
  }
  return body;
}

/**
 * What came until the connection closed, and whether it was reset. Read byte by byte: after a buffer
 * that is not full, libuv takes a reset for an end.
 */
function received(base: string, text: string): Promise<{ response: string; wasReset: boolean }> {
  let response = '';
  const buffer = Buffer.alloc(1);
  const callback = () => {
    response += buffer.toString('latin1');
    return true;
  };
  const port = Number(new URL(base).port);
  const socket = connect({ port, host: '127.0.0.1', onread: { buffer, callback } });
  socket.write(text);
  return new Promise((resolve) => {
    let wasReset = false;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      wasReset = error.code === 'ECONNRESET';
    });
    socket.on('close', () => resolve({ response, wasReset }));
  });
}

describeApp('A feed that ends early', { feed: brief, isConcurrent: true }, (source) => {
  it.each(formats)('has no last chunk%s, and its client reconnects for the rest', async (query) => {
    const one = source.stream();
    await one.postAnswers(2);
    const response = await rawBytes(source.app.url, feedRequest(one, query));
    expect(response).toMatch(/^HTTP\/1.1 200 .*\r\ntransfer-encoding: chunked\r\n/is);
    expect(response).not.toMatch(/\r\nconnection: close\r\n/i);
    expect(response).not.toMatch(lastChunk);
    expect(unchunked(response)).toMatch(/\nid: 2-[\da-f]{8}\n\nretry: \d+\n$/);
  });

  it.each(['', 'te: chunked\r\n', 'connection: keep-alive\r\n'])(
    'is reset over HTTP/1.0, where nothing else distinguishes it from an end: %j',
    async (head) => {
      const one = source.stream();
      await one.postAnswers(2);
      await unlessStalled(stallMs, async () => {
        const request = feedRequest(one, '', '1.0', head);
        const { response, wasReset } = await received(source.app.url, request);
        expect(response).not.toMatch(/transfer-encoding/i);
        expect(response).toMatch(/\nid: 2-[\da-f]{8}\n\n/);
        expect(wasReset).toBe(true);
      });
    },
  );

  it('fails the body of fetch, after what has arrived', async () => {
    const one = source.stream();
    await one.postAnswers(2);
    const response = await fetch(`${one.url}/stream`);
    let text = '';
    const read = async () => {
      for await (const piece of response.body as ReadableStream<Uint8Array>) {
        text += Buffer.from(piece).toString();
      }
    };
    await expect(read()).rejects.toThrow('terminated');
    expect(text).toContain('"content":"chunk 1"');
  });
});

describeApp('A feed that is complete', { feed: brief, isConcurrent: true }, (source) => {
  it.each(formats)(
    'ends with the last chunk%s, and its connection serves the next request',
    async (query) => {
      const one = source.stream();
      await one.post([{ type: 'answer' }, { type: 'complete' }]);
      const next = `GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
      const socket = connect(Number(new URL(source.app.url).port), '127.0.0.1');
      let response = '';
      socket.setEncoding('latin1').on('data', (piece: string) => {
        response += piece;
      });
      socket.write(feedRequest(one, query));
      await waitFor('the last chunk', () => lastChunk.test(response));
      expect(unchunked(response)).toMatch(/"type":"complete"[^\n]*\nid: 2-[\da-f]{8}\n\n$/);
      response = '';
      socket.write(next);
      await waitFor('the next answer', () => response.includes('{"status":"ok"}'));
      socket.destroy();
    },
  );

  it.each(['1.0', '0.9', '2.0'])(
    'ends its connection without a reset: HTTP/%s',
    async (version) => {
      const one = source.stream();
      await one.post([{ type: 'answer' }, { type: 'complete' }]);
      const { response, wasReset } = await received(source.app.url, feedRequest(one, '', version));
      expect(response).toMatch(/\r\n\r\nretry: 2000\n/);
      expect(response).toMatch(/"type":"complete"[^\n]*\nid: 2-[\da-f]{8}\n\n$/);
      expect(response).not.toMatch(/transfer-encoding/i);
      expect(wasReset).toBe(false);
    },
  );

  it('ends as a whole when the stream that it waited for has not begun', async () => {
    const one = source.stream();
    const feed = await one.feed('?offset=7');
    await feed.end();
    expect(feed.frames).toMatchObject([{ event: 'reset', id: '0-00000000' }]);
    expect(feed.response.complete).toBe(true);
  });

  it('has a complete response to HEAD', async () => {
    const { pathname } = new URL(source.stream().url);
    const head = `HEAD ${pathname}/stream HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
    const { response, wasReset } = await received(source.app.url, head);
    expect(response).toMatch(/^HTTP\/1.1 200 .*\r\n\r\n$/s);
    expect(wasReset).toBe(false);
  });
});

describeApp('A rejected feed', { feed: { maxFeeds: 1 } }, (source) => {
  it('ends early, over HTTP/1.1 and 1.0', async () => {
    const one = source.stream();
    const first = await one.feed();
    const { response } = await received(source.app.url, feedRequest(one));
    expect(response).toMatch(/\r\nstream-refused: too_many_feeds\r\n/);
    expect(unchunked(response)).toBe('retry: 5000\n: refused: too_many_feeds\n');
    expect(response).not.toMatch(lastChunk);
    await unlessStalled(stallMs, async () => {
      const old = await received(source.app.url, feedRequest(one, '', '1.0'));
      expect(old.response).toMatch(/\r\n\r\nretry: 5000\n: refused: too_many_feeds\n$/);
      expect(old.wasReset).toBe(true);
    });
    first.drop();
    await first.end();
  });
});

const safari =
  'user-agent: Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15\r\ncache-control: no-cache\r\nconnection: close\r\n';

describeApp('A feed whose client keeps torn frames', { feed: brief }, (source) => {
  it('begins with a discard event, and that of no other client does', async () => {
    const one = source.stream();
    await one.postAnswers(1);
    const head = `${safari}last-event-id: 1\r\n`;
    const response = await rawBytes(source.app.url, feedRequest(one, '', '1.1', head));
    expect(unchunked(response)).toMatch(/^:\nid: 1\nevent: discard\n\nretry: 2000\n/);
    const other = await rawBytes(source.app.url, feedRequest(one));
    expect(unchunked(other)).toMatch(/^retry: 2000\n/);
  });
});

import { expect, it } from 'vitest';
import { type AppSource, describeApp } from '../support/app-suite.js';
import { rawBytes } from '../support/raw-http.js';

const json = 'content-type: application/json\r\ncontent-length: 17\r\n';

const options = { feed: { lingerMs: 0 } };

/** A request, and the status of its response. The stream of the path has ended. */
const rows: readonly (readonly [line: string, status: number, head?: string, body?: string])[] = [
  ['POST PATH-new/events', 201, json, '{"type":"answer"}'],
  ['POST PATH-new/events?', 201, json, '{"type":"answer"}'],
  ['POST PATH/events', 409, json, '{"type":"answer"}'],
  ['GET PATH/events', 200],
  ['GET PATH/stream', 200],
  ['HEAD PATH/stream', 200],
  ['GET PATH/stream?offset=2', 204],
  ['GET PATH/stream?offset=bad', 400],
  ['GET PATH', 200],
  ['GET /ai-sdk/sessions/none/stream', 204],
  ['GET /healthz', 200],
  ['GET /docs', 200],
  ['GET /none', 404],
  ['PUT PATH', 405],
];

const requests = rows.map(([line, status, head = '', body = '']) => ({ line, status, head, body }));

describeApp('The last response on a connection', options, (source) => {
  it.each(requests)(
    'has Connection: close, and the connection ends: $line, $status',
    async (row) => {
      const { line, status, head, body } = row;
      const path = await endedStream(source);
      const versions = { '1.1': 'connection: close\r\n', '1.0': '' };
      for (const [version, last] of Object.entries(versions)) {
        const target = line.replace('PATH', path).replace('-new', `-${version}`);
        const request = `${target} HTTP/${version}\r\nhost: x\r\n${last}${head}\r\n${body}`;
        const response = await rawBytes(source.app.url, request);
        expect(response).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
        expectLast(response);
      }
    },
  );

  it('has it in the AI SDK feed too, which is chunked for HTTP/1.1 only', async () => {
    const one = source.stream();
    await one.post({ type: 'answer' });
    const line = `GET /ai-sdk/sessions/${one.sid}/stream`;
    const responses = [
      rawBytes(source.app.url, `${line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`),
      rawBytes(source.app.url, `${line} HTTP/1.0\r\n\r\n`),
      rawBytes(source.app.url, `${line} HTTP/1.0\r\nconnection: keep-alive\r\n\r\n`),
    ];
    await openFeeds(source, 3);
    await one.post({ type: 'complete' });
    const [chunked, ...plain] = await Promise.all(responses);
    for (const response of [chunked, ...plain]) expectLast(response);
    expect(chunked).toMatch(/\r\ntransfer-encoding: chunked\r\n/i);
    for (const response of plain) {
      expect(response).not.toMatch(/transfer-encoding/i);
      expect(response).toMatch(/\n\ndata: \[DONE\]\n\n$/);
    }
  });
});

function expectLast(response = ''): void {
  const [head] = response.split('\r\n\r\n', 1);
  expect(head).toMatch(/^connection: close$/im);
  expect(head).not.toMatch(/keep-alive/i);
}

async function endedStream(source: AppSource): Promise<string> {
  const one = source.stream();
  await one.post([{ type: 'answer' }, { type: 'complete' }]);
  return new URL(one.url).pathname;
}

async function openFeeds({ app: { url } }: AppSource, count: number): Promise<void> {
  await expect
    .poll(async () => (await fetch(`${url}/metrics`)).text(), { timeout: 10_000 })
    .toMatch(new RegExp(`^rejoin_feeds_open ${count}$`, 'm'));
}

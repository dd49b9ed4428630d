import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { expect, it, type TestContext } from 'vitest';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { producerHeaders } from '../support/producers.js';
import { unlessStalled } from '../support/unless-stalled.js';
import { waitFor } from '../support/wait-for.js';
import { postText } from '../support/worker.js';

const type = { 'content-type': 'application/x-ndjson' };
const line = (content: string) => `${JSON.stringify({ type: 'answer', content })}\n`;
const lines = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => line(`${from + index}`)).join('');

async function contents(one: TestStream): Promise<string[]> {
  const { events } = (await (await fetch(one.eventsUrl)).json()) as {
    events: { content: string }[];
  };
  return events.map(({ content }) => content);
}

/** A request whose body stays open. */
function open(one: TestStream, headers: Record<string, string> = {}) {
  const sent = request(one.eventsUrl, { method: 'POST', headers: { ...type, ...headers } });
  const response = responseOf(sent);
  return { sent, response };
}

async function responseOf(sent: ClientRequest) {
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode, headers: response.headers, body: JSON.parse(text) };
}

const options = { limits: { eventBytes: 1000 }, isConcurrent: true };

describeApp('An NDJSON body', options, ({ stream }) => {
  it('is appended line by line; the last needs no line feed, blank ones are skipped', async () => {
    const one = stream();
    const text = `${lines(2)}\n \r\n${line('2').trim()}`;
    const { status, body } = await postText(one.eventsUrl, text, type);
    expect([status, body]).toEqual([
      201,
      { offset: 0, count: 3, nextOffset: 3, inputs: { nextOffset: 0 } },
    ]);
    expect(await contents(one)).toEqual(['0', '1', '2']);
  });

  it('is delivered while the request stays open', async () => {
    const one = stream();
    const feed = await one.feed();
    const { sent, response } = open(one);
    for (let count = 1; count <= 5; count += 1) {
      sent.write(line(`${count}`));
      await feed.frameCount(count);
    }
    sent.write('{"type":"ans');
    sent.end('wer","content":"6"}');
    expect((await response).body).toEqual({
      offset: 0,
      count: 6,
      nextOffset: 6,
      inputs: { nextOffset: 0 },
    });
    expect(await contents(one)).toEqual(['1', '2', '3', '4', '5', '6']);
    feed.drop();
  });

  it('may be larger than limits.body_bytes, and longer than one batch', async () => {
    const one = stream();
    const { body } = await postText(one.eventsUrl, lines(20_000), type);
    expect(body).toEqual({
      offset: 0,
      count: 20_000,
      nextOffset: 20_000,
      inputs: { nextOffset: 0 },
    });
  });

  it.each([
    ['{"type":"answer"', 'invalid_json'],
    ['[{"type":"answer"}]', 'invalid_event'],
    ['{"type":"answer","x":1}', 'invalid_event'],
    [`{"type":"answer","content":"${'x'.repeat(1000)}"}`, 'event_too_large'],
  ])('is stored up to the line %s, and the rejection has its number', async (bad, code) => {
    const one = stream();
    const text = `${lines(3)}\n${bad}\n${lines(2)}`;
    const { status, body } = await postText(one.eventsUrl, text, type);
    expect(body).toMatchObject({ code, stored: 3, line: 5, status });
    expect(await contents(one)).toEqual(['0', '1', '2']);
  });

  it('is rejected as soon as a line is too long, before the body ends', async () => {
    const one = stream();
    const { sent, response } = open(one);
    sent.on('error', () => {}); // the connection is closed in the end
    sent.write(`${line('0')}{"type":"answer","content":"${'x'.repeat(5000)}`);
    const { status, headers, body } = await response;
    expect(status).toBe(413);
    expect(headers.connection).toBe('close');
    expect(body).toMatchObject({ code: 'event_too_large', stored: 1, line: 2 });
    sent.destroy();
  });

  it('is rejected without an event', async () => {
    const { status, body } = await postText(stream().eventsUrl, '\n\n', type);
    expect([status, body.code, body.stored]).toEqual([400, 'invalid_event', 0]);
  });

  it('is accepted after the end with a title only', async () => {
    const one = stream();
    const text = `${line('0')}{"type":"complete"}\n{"type":"session_title"}\n${line('1')}`;
    const { body } = await postText(one.eventsUrl, text, type);
    expect(body).toMatchObject({
      code: 'stream_ended',
      stored: 3,
      line: 4,
      streamStatus: 'complete',
    });
  });

  it('gets its response at once when somebody stops the stream', async () => {
    const one = stream();
    const { sent, response } = open(one);
    sent.on('error', () => {});
    sent.write(lines(2));
    await waitFor('the lines are stored', async () => (await contents(one)).length === 2);
    await fetch(`${one.url}/stop`, { method: 'POST' });
    const { status, body } = await response;
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'stream_ended', streamStatus: 'stopped', stored: 2 });
    sent.destroy();
  });

  it('may end the stream itself and go on to its own end', async () => {
    const one = stream();
    const { sent, response } = open(one);
    const feed = await one.feed();
    sent.write('{"type":"complete"}\n');
    await feed.frameCount(1);
    await new Promise((resolve) => setTimeout(resolve, 300)); // longer than the watch pauses
    sent.end('{"type":"session_title"}');
    expect(await response).toMatchObject({ status: 201, body: { count: 2 } });
    feed.drop();
  });

  it('of a worker that dies is stored up to its last whole line', async () => {
    const one = stream();
    const { sent, response } = open(one);
    response.catch(() => {});
    sent.on('error', () => {});
    sent.write(`${lines(2)}{"type":"answer","content":"cut"}`);
    await waitFor('the lines are stored', async () => (await contents(one)).length === 2);
    sent.destroy();
    await one.postAnswers(1);
    expect(await contents(one)).toEqual(['0', '1', 'chunk 0']);
  });

  it('can be sent again with a producer: each line is stored once', async () => {
    const one = stream();
    const send = (text: string, seq: number) =>
      postText(one.eventsUrl, text, { ...type, ...producerHeaders(seq) });
    expect((await send(lines(1500), 0)).status).toBe(201);
    const again = await send(lines(1500), 0);
    expect([again.status, again.body]).toEqual([
      200,
      { offset: 1500, count: 0, nextOffset: 1500, duplicate: true, inputs: { nextOffset: 0 } },
    ]);
    const more = await send(lines(1600), 0);
    expect([more.status, more.body]).toEqual([
      201,
      { offset: 1500, count: 100, nextOffset: 1600, inputs: { nextOffset: 0 } },
    ]);
    const gap = await send(lines(1), 1700);
    expect(gap.body).toMatchObject({ code: 'producer_gap', expectedSeq: 1600, stored: 0, line: 1 });
  });

  it('sent again is recognised to its last line, though the stream has ended since', async () => {
    const one = stream();
    const producer = producerHeaders(0);
    await postText(one.eventsUrl, `${lines(3)}{"type":"complete"}`, { ...type, ...producer });
    const [whole, longer] = [open(one, producer), open(one, producer)];
    longer.sent.on('error', () => {});
    for (const { sent } of [whole, longer]) sent.write(lines(2));
    await one.post({ type: 'session_title' }); // notifies those that watch for the end
    await new Promise((resolve) => setTimeout(resolve, 300)); // longer than the watch pauses
    whole.sent.end(`${line('2')}{"type":"complete"}`);
    expect(await whole.response).toMatchObject({
      status: 200,
      body: { count: 0, nextOffset: 5, duplicate: true },
    });
    longer.sent.write(lines(3, 2));
    const { body } = await longer.response;
    expect(body).toMatchObject({ code: 'stream_ended', stored: 4, line: 5 });
    longer.sent.destroy();
  });

  it('gets its response when another worker takes over, though it sends nothing more', async () => {
    const one = stream();
    const as = (epoch: number) => producerHeaders(0, epoch);
    const { sent, response } = open(one, { ...as(1), 'producer-lease': '6' });
    sent.on('error', () => {});
    sent.write(line('0'));
    await waitFor('the line is stored', async () => (await contents(one)).length === 1);
    await one.post({ type: 'answer' }, { ...as(2), 'producer-lease': '6' });
    const { status, body } = await response;
    expect([status, body.code, body.stored]).toEqual([409, 'producer_fenced', 1]);
    sent.destroy();
  });

  const keepsALease = async () => {
    const [kept, left] = [stream(), stream()];
    const { sent, response } = open(kept, { 'producer-lease': '4' });
    sent.write(line('0'));
    await left.post({ type: 'answer' }, { 'producer-lease': '4' });
    const feed = await left.feed();
    await feed.frameCount(2);
    sent.on('error', () => {});
    sent.end(line('1'));
    expect(await response).toMatchObject({ status: 201, body: { count: 2 } });
    feed.drop();
  };
  it('renews a lease while it is open', () => unlessStalled(1000, keepsALease));
});

const timeouts = { bodyMs: 200, silenceMs: 2000 };
describeApp('A body that does not arrive', { timeouts, isConcurrent: true }, ({ stream }) => {
  const isGivenUpBySilence = async (onTestFinished: TestContext['onTestFinished']) => {
    const one = stream();
    const { sent, response } = open(one);
    sent.on('error', () => {});
    sent.write(line('0'));
    const blank = setInterval(() => sent.write('\n'), 50);
    onTestFinished(() => clearInterval(blank));
    const until = performance.now() + timeouts.silenceMs * 1.5;
    let hasResponse = false;
    void response.then(() => {
      hasResponse = true;
    });
    await waitFor('more time has passed than may in silence', () => performance.now() > until);
    expect(hasResponse).toBe(false);
    clearInterval(blank);
    const { status, body } = await response;
    expect([status, body.code, body.stored]).toEqual([408, 'request_timeout', 1]);
    sent.destroy();
  };
  it('times out after silence as NDJSON; a blank line is a heartbeat', ({ onTestFinished }) =>
    unlessStalled(timeouts.silenceMs / 2, () => isGivenUpBySilence(onTestFinished)));

  it('is NDJSON whatever the case of its media type', async () => {
    const one = stream();
    const { sent, response } = open(one, { 'content-type': 'Application/X-NDJSON' });
    const until = performance.now() + timeouts.bodyMs * 2;
    for (let count = 0; performance.now() < until; count += 1) {
      sent.write(line(`${count}`));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    sent.end();
    expect((await response).status).toBe(201);
  });

  it('does not count against a GET that waits', async () => {
    const sent = request(`${stream().eventsUrl}?wait=1`, { headers: { 'content-length': '0' } });
    const response = responseOf(sent);
    sent.end();
    expect((await response).status).toBe(200);
  });

  it('times out as JSON, and nothing of it is stored', async () => {
    const one = stream();
    const headers = { 'content-type': 'application/json', 'content-length': '30' };
    const { sent, response } = open(one, headers);
    sent.on('error', () => {});
    sent.write('{"type":"answer"');
    const { status, body } = await response;
    expect([status, body.code, body.stored]).toEqual([408, 'request_timeout', 0]);
    sent.end(' '.repeat(13).concat('}'));
    await once(sent, 'close');
    expect((await fetch(one.url)).status).toBe(404);
  });
});

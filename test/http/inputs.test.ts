import { expect, it } from 'vitest';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { openFeed } from '../support/feed-client.js';
import { makeKey } from '../support/keys.js';
import { producerHeaders } from '../support/producers.js';
import { readerOptions, sign } from '../support/tokens.js';
import { waitFor } from '../support/wait-for.js';
import { post } from '../support/worker.js';

interface Page {
  readonly inputs: readonly Record<string, unknown>[];
  readonly nextId: string;
  readonly ended: boolean;
  readonly detail: string;
}

const timestamp = '2026-01-01T00:00:00Z';
const message = (index: number) => ({ type: 'message', id: `i${index}`, content: 'x', timestamp });

const send = (one: TestStream, body: unknown, headers?: Record<string, string>) =>
  post(`${one.url}/inputs`, body, headers);

async function read(one: TestStream, query = '', headers: Record<string, string> = {}) {
  const response = await fetch(`${one.url}/inputs${query}`, { headers });
  return { status: response.status, body: (await response.json()) as Page };
}

async function statusOf(one: TestStream) {
  const response = await fetch(one.url);
  const body = (await response.json()) as { inputs: object };
  return { header: response.headers.get('inputs-next-offset'), inputs: body.inputs };
}

const feed = { pollIntervalMs: 100, lingerMs: 0 };

describeApp('Inputs', { feed }, ({ stream }) => {
  it('are stored, read as JSON, and counted by the status, an append and a lease', async () => {
    const one = stream();
    await one.postAnswers(1);
    const first = await send(one, message(0));
    expect([first.status, first.body]).toEqual([201, { offset: 0, count: 1, nextOffset: 1 }]);
    const more = await send(one, [message(1), message(0), message(2)]);
    expect([more.status, more.body]).toEqual([201, { offset: 1, count: 2, nextOffset: 3 }]);
    const { body } = await read(one);
    expect(body).toMatchObject({ nextOffset: 3, ended: false });
    expect(body.inputs).toEqual([0, 1, 2].map((n) => ({ ...message(n), done: false })));
    const rest = await read(one, `?offset=${(await read(one, '?limit=1')).body.nextId}`);
    expect(rest.body.inputs.map(({ id }) => id)).toEqual(['i1', 'i2']);
    expect(await statusOf(one)).toEqual({
      header: '3',
      inputs: { nextOffset: 3, ackOffset: 0 },
    });
    const appended = await one.post({ type: 'answer' });
    expect(appended.headers.get('inputs-next-offset')).toBe('3');
    expect(appended.body.inputs).toEqual({ nextOffset: 3 });
    const lease = await fetch(`${one.url}/lease`, {
      method: 'POST',
      headers: { 'producer-lease': '30' },
    });
    expect(lease.headers.get('inputs-next-offset')).toBe('3');
    expect(await lease.json()).toMatchObject({ inputs: { nextOffset: 3, ackOffset: 0 } });
  });

  it('are idempotent by id, also after the end', async () => {
    const one = stream();
    await one.postAnswers(1);
    await send(one, message(0));
    await one.post({ type: 'complete' });
    const again = await send(one, message(0));
    const duplicate = { offset: 1, count: 0, nextOffset: 1, duplicate: true };
    expect([again.status, again.body]).toEqual([200, duplicate]);
    const late = await send(one, [message(0), message(1)]);
    expect(late).toMatchObject({
      status: 409,
      body: {
        code: 'stream_ended',
        detail: 'a finished stream rejects further inputs (complete)',
        streamStatus: 'complete',
        stored: 1,
      },
    });
    const other = await send(one, { ...message(0), content: 'y' });
    expect(other).toMatchObject({ status: 409, body: { code: 'input_conflict', stored: 0 } });
  });

  it('need a stream', async () => {
    const one = stream();
    const absent = { status: 404, body: { code: 'not_found', stored: 0 } };
    expect(await send(one, message(0))).toMatchObject(absent);
    await one.postAnswers(1);
    await fetch(one.url, { method: 'DELETE' });
    const deleted = { status: 409, body: { code: 'stream_ended', streamStatus: 'deleted' } };
    expect(await send(one, message(0))).toMatchObject(deleted);
    expect((await read(one)).body).toMatchObject({ inputs: [], ended: false });
  });

  it.each([
    ['no id', { type: 'message' }, 'input 0: `id` is required'],
    ['an empty id', { type: 'message', id: '' }, 'input 0: `id` is required'],
    ['half of a character as id', '{"type":"message","id":"\\ud800"}', 'half of a surrogate pair'],
    ['an author', { ...message(0), by: 'zoe' }, 'input 0: `by` is an unknown field'],
    ['one id twice', [message(0), message(0)], 'input 1 has the `id` of another one'],
    ['nothing', [], 'an array must have 1 to 100 inputs'],
    ['too many', Array.from({ length: 101 }, (_, n) => message(n)), '1 to 100 inputs'],
    ['no type', [message(0), { id: 'i1' }], 'input 1: `type` is required'],
    ['no object', '[1]', 'input 0'],
  ])('with %s are rejected, all of them', async (_, body, detail) => {
    const one = stream();
    await one.postAnswers(1);
    const rejected = await (typeof body === 'string'
      ? fetch(`${one.url}/inputs`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        }).then(async (response) => ({
          status: response.status,
          body: (await response.json()) as Page,
        }))
      : send(one, body));
    expect(rejected).toMatchObject({ status: 400, body: { code: 'invalid_event', stored: 0 } });
    expect(rejected.body.detail).toContain(detail);
    expect((await statusOf(one)).inputs).toEqual({ nextOffset: 0, ackOffset: 0 });
  });

  it('are waited for by a long poll, which ends with the stream', async () => {
    const one = stream();
    await one.postAnswers(1);
    const waiting = read(one, '?wait=30');
    await send(one, message(0));
    expect((await waiting).body).toMatchObject({ inputs: [{ id: 'i0' }], nextOffset: 1 });
    const forEnd = read(one, '?offset=1&wait=30');
    await one.post({ type: 'complete' });
    expect((await forEnd).body).toMatchObject({ inputs: [], ended: true });
  });

  it('are followed over SSE: stored ones, new ones, and the end of the stream', async () => {
    const one = stream();
    await one.postAnswers(2);
    await send(one, { type: 'stop', id: 'a', done: true });
    const client = await openFeed(`${one.url}/inputs/stream?control=true`);
    await waitFor('it is live', () => client.raw.includes('event: up-to-date'));
    await one.postAnswers(3);
    await send(one, [message(0), message(1)]);
    await waitFor('all have come', () => client.raw.includes('"i1"'));
    const inputs = client.frames.filter(({ event }) => event === undefined);
    expect(inputs.map(({ data }) => JSON.parse(data ?? '').id)).toEqual(['a', 'i0', 'i1']);
    await one.post({ type: 'complete' });
    await client.end();
    expect(client.response.complete).toBe(true);
    const lastId = inputs.at(-1)?.id as string;
    const back = await openFeed(`${one.url}/inputs/stream`, { 'last-event-id': lastId });
    expect(back.status).toBe(204);
    const resumed = await openFeed(`${one.url}/inputs/stream`, {
      'last-event-id': inputs[0]?.id as string,
    });
    await resumed.end();
    expect(resumed.frames.map(({ data }) => JSON.parse(data ?? '').id)).toEqual(['i0', 'i1']);
  });

  it('of a stream that has none are followed until it ends', async () => {
    const one = stream();
    await one.postAnswers(1);
    const client = await openFeed(`${one.url}/inputs/stream`);
    await waitFor('the first bytes', () => client.raw.includes('connected'));
    await one.post({ type: 'complete' });
    await client.end();
    expect(client.frames).toEqual([]);
    expect(client.response.complete).toBe(true);
  });

  it('of a deleted stream are reset for a client that has some', async () => {
    const one = stream();
    await one.postAnswers(1);
    await send(one, message(0));
    const client = await openFeed(`${one.url}/inputs/stream`);
    await client.frameCount(1);
    await fetch(one.url, { method: 'DELETE' });
    await client.frameCount(2);
    expect(client.frames[1]).toMatchObject({
      event: 'reset',
      data: '{"reason":"deleted","offset":0}',
    });
    client.drop();
  });

  it('are acknowledged with events, and a worker that acknowledges ends after the last one', async () => {
    const one = stream();
    await one.post({ type: 'answer' }, producerHeaders(0));
    await send(one, [message(0), message(1)]);
    const ack = (offset: number | string, seq: number) => ({
      ...producerHeaders(seq),
      'inputs-ack-offset': String(offset),
    });
    await one.post({ type: 'answer' }, ack(1, 1));
    expect((await statusOf(one)).inputs).toEqual({ nextOffset: 2, ackOffset: 1 });
    expect(await one.post({ type: 'answer' }, ack(3, 2))).toMatchObject({
      status: 409,
      body: { code: 'inputs_gap', stored: 0, inputs: { nextOffset: 2 } },
    });
    expect(await one.post({ type: 'complete' }, ack(1, 2))).toMatchObject({
      status: 409,
      body: { code: 'inputs_unread', stored: 0, inputs: { nextOffset: 2 } },
    });
    for (const wrong of ['-1', '1.5', 'x', '', '4294967296']) {
      expect(await one.post({ type: 'answer' }, ack(wrong, 2))).toMatchObject({
        status: 400,
        body: { code: 'invalid_header' },
      });
    }
    expect((await one.post({ type: 'complete' }, ack(2, 2))).status).toBe(201);
    expect((await statusOf(one)).inputs).toEqual({ nextOffset: 2, ackOffset: 2 });
  });

  it('are acknowledged when an NDJSON request begins, before its first line', async () => {
    const one = stream();
    await one.postAnswers(1);
    await send(one, message(0));
    const headers = { 'content-type': 'application/x-ndjson', 'inputs-ack-offset': '1' };
    let bring = (_line: string): void => {};
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(' '));
        bring = (line) => {
          controller.enqueue(new TextEncoder().encode(line));
          controller.close();
        };
      },
    });
    const open = fetch(one.eventsUrl, { method: 'POST', headers, body, duplex: 'half' } as object);
    const acknowledged = { nextOffset: 1, ackOffset: 1 };
    await waitFor('it is acknowledged', async () => {
      return JSON.stringify((await statusOf(one)).inputs) === JSON.stringify(acknowledged);
    });
    bring('{"type":"answer"}');
    expect((await open).status).toBe(201);
  });

  it('are acknowledged by NDJSON, whose terminal event may follow the last one', async () => {
    const one = stream();
    await one.postAnswers(1);
    await send(one, message(0));
    const response = await fetch(one.eventsUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', 'inputs-ack-offset': '1' },
      body: '{"type":"answer"}\n{"type":"complete"}\n',
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ count: 2, inputs: { nextOffset: 1 } });
    expect((await statusOf(one)).inputs).toEqual({ nextOffset: 1, ackOffset: 1 });
  });
});

const keys = { all: makeKey('append', 'read', 'input', 'admin'), page: makeKey('input') };
const auth = {
  apiKeys: Object.values(keys).map(({ key }) => key),
  reader: readerOptions(),
};

describeApp('The author of an input', { auth }, ({ stream }) => {
  async function byOf(headers: Record<string, string>, one: TestStream) {
    expect((await send(one, message(0), headers)).status).toBe(201);
    const { body } = await read(one, '', keys.all.headers);
    return body.inputs[0]?.by;
  }

  async function begun(): Promise<TestStream> {
    const one = stream();
    await one.post({ type: 'answer' }, keys.all.headers);
    return one;
  }

  it('is the id of the key, or the sub of the token, in any characters', async () => {
    expect(await byOf(keys.page.headers, await begun())).toBe(keys.page.key.id);
    for (const sub of ['zoe', 'Zoë "Ж" \u{1f600}', undefined]) {
      const one = await begun();
      const token = await sign({ sid: one.sid, scope: 'read input', sub });
      expect(await byOf({ authorization: `Bearer ${token}` }, one)).toBe(sub);
    }
  });

  it('is not part of what makes an input the same', async () => {
    const one = await begun();
    await byOf(keys.page.headers, one);
    expect(await send(one, message(0), keys.all.headers)).toMatchObject({ status: 200 });
    expect((await read(one, '', keys.all.headers)).body.inputs[0]?.by).toBe(keys.page.key.id);
  });

  it('needs the right to send, and with a cookie a page of the own origin', async () => {
    const one = await begun();
    const reads = await sign({ sid: one.sid, scope: 'read stop' });
    const sends = await sign({ sid: one.sid, scope: 'read input' });
    const forbidden = { status: 403, body: { code: 'forbidden', stored: 0 } };
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    expect(await send(one, message(0), bearer(reads))).toMatchObject(forbidden);
    const cookie = { cookie: `rejoin_token=${sends}` };
    expect(await send(one, message(0), cookie)).toMatchObject(forbidden);
    const foreign = { ...cookie, 'sec-fetch-site': 'cross-site' };
    expect(await send(one, message(0), foreign)).toMatchObject(forbidden);
    const own = { ...cookie, 'sec-fetch-site': 'same-origin' };
    expect((await send(one, message(0), own)).status).toBe(201);
    expect((await read(one, '', bearer(reads))).status).toBe(200);
    expect((await read(one, '', keys.page.headers)).status).toBe(403);
    const elsewhere = await sign({ sid: 'elsewhere', scope: 'read input' });
    expect(await send(one, message(1), bearer(elsewhere))).toMatchObject(forbidden);
  });
});

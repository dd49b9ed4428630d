import { expect, it } from 'vitest';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { makeKey } from '../support/keys.js';
import { readerOptions, sign } from '../support/tokens.js';

const all = makeKey('append', 'read', 'admin');
const auth = { apiKeys: [all.key], reader: readerOptions() };
const scope = 'read stop';

async function stop(one: TestStream, headers: Record<string, string>) {
  const response = await fetch(`${one.url}/stop`, { method: 'POST', headers });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
}

async function bearer(claims: object): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await sign({ scope, ...claims })}` };
}

const notFound = { status: 404, body: { code: 'not_found', stored: 0 } };

describeApp('POST …/stop with a token', { auth }, (source) => {
  it('for a whole session ends its streams, and responds 404 instead of beginning one', async () => {
    const one = source.stream();
    const session = await bearer({ sid: one.sid });
    expect(await stop(one, session)).toMatchObject(notFound);
    expect((await fetch(one.url, { headers: all.headers })).status).toBe(404);
    await one.post({ type: 'answer' }, all.headers);
    for (let round = 0; round < 2; round += 1) {
      expect(await stop(one, session)).toMatchObject({
        status: 200,
        body: { streamStatus: 'stopped' },
      });
    }
  });

  it('for a whole session begins no stream however many stops come at once', async () => {
    const session = await bearer({ sid: source.stream().sid });
    const streams = Array.from({ length: 50 }, () => source.stream());
    const twice = [...streams, ...streams];
    for (const response of await Promise.all(twice.map((one) => stop(one, session)))) {
      expect(response).toMatchObject(notFound);
    }
    const { sessionId } = streams[0]?.id ?? { sessionId: '' };
    const listed = await source.streams.listStreams(sessionId);
    const begun = new Set(streams.map(({ mid }) => mid));
    expect(listed.filter(({ messageId }) => begun.has(messageId))).toEqual([]);
  });

  it('for a whole session responds 404 for a stream that was deleted', async () => {
    const one = source.stream();
    await one.post({ type: 'answer' }, all.headers);
    await fetch(one.url, { method: 'DELETE', headers: all.headers });
    expect(await stop(one, await bearer({ sid: one.sid }))).toMatchObject(notFound);
  });

  it('for one stream begins that stream with its end, as a key does', async () => {
    const [one, other] = [source.stream(), source.stream()];
    const own = await bearer({ sid: one.sid, mid: one.mid });
    for (const [stream, headers] of [[one, own] as const, [other, all.headers] as const]) {
      expect(await stop(stream, headers)).toMatchObject({ status: 200 });
      expect((await stream.post({ type: 'answer' }, all.headers)).body.code).toBe('stream_ended');
    }
  });

  it('for another session responds 403 whether the stream exists or not', async () => {
    const [known, unknown] = [source.stream(), source.stream()];
    await known.post({ type: 'answer' }, all.headers);
    const foreign = await bearer({ sid: 'elsewhere' });
    for (const one of [known, unknown]) expect((await stop(one, foreign)).status).toBe(403);
  });
});

/** That many requests a second are ten times as many in a window. */
const perSecond = 1;
const perWindow = 10;

/** The statuses of one stop more than a window has, of a stream each. */
async function stops(source: { stream(): TestStream }, claims: (one: TestStream) => object) {
  const responses = [];
  for (let count = 0; count <= perWindow; count += 1) {
    const one = source.stream();
    responses.push(await stop(one, await bearer(claims(one))));
  }
  return responses;
}

const expectLast429 = (responses: Awaited<ReturnType<typeof stops>>) => {
  expect(responses.slice(0, -1).map(({ status }) => status)).not.toContain(429);
  expect(responses.at(-1)).toMatchObject({
    status: 429,
    body: { code: 'rate_limited', stored: 0 },
  });
  expect(Number(responses.at(-1)?.retryAfter)).toBeGreaterThanOrEqual(1);
};

const perAddress = { auth, rates: { appendsPerAddress: perSecond } };
describeApp('POST …/stop with a rate limit on addresses', perAddress, (source) => {
  it('responds 429 to tokens beyond that rate, and stores nothing', async () => {
    expectLast429(await stops(source, ({ sid, mid }) => ({ sid, mid })));
    const one = source.stream();
    expect((await stop(one, await bearer({ sid: one.sid, mid: one.mid }))).status).toBe(429);
    expect((await fetch(one.url, { headers: all.headers })).status).toBe(404);
  });
});

const perKey = { auth, rates: { appendsPerKey: perSecond } };
describeApp('POST …/stop with a rate limit on keys', perKey, (source) => {
  it('responds 429 to the tokens of one session beyond that rate, and to no other', async () => {
    expectLast429(await stops(source, ({ sid, mid }) => ({ sid, mid })));
    const one = source.stream();
    const elsewhere = one.url.replace(one.sid, 'elsewhere');
    const headers = await bearer({ sid: 'elsewhere', mid: one.mid });
    const other = await fetch(`${elsewhere}/stop`, { method: 'POST', headers });
    expect(other.status).toBe(200);
    expect((await one.post({ type: 'answer' }, all.headers)).status).toBe(201);
  });

  it('counts the stops of a key with its appends', async () => {
    const one = source.stream();
    const statuses: number[] = [];
    for (let count = 0; count <= perWindow; count += 1) {
      statuses.push((await stop(one, all.headers)).status);
    }
    expect(statuses).toContain(429);
    expect((await one.post({ type: 'answer' }, all.headers)).status).toBe(429);
  });
});

import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { producerHeaders } from '../support/producers.js';

const producer = (seq: number, epoch = 0, id = 'w1') => producerHeaders(seq, epoch, id);
const answers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({ type: 'answer', content: `${from + index}` }));

describeApp('An append with a producer', {}, ({ stream }) => {
  it('stores each event once, however often it is sent', async () => {
    const one = stream();
    const first = await one.post(answers(3), producer(0));
    expect([first.status, first.body]).toEqual([
      201,
      { offset: 0, count: 3, nextOffset: 3, inputs: { nextOffset: 0 } },
    ]);
    const again = await one.post(answers(3), producer(0));
    expect(again.status).toBe(200);
    expect(again.body).toEqual({
      offset: 3,
      count: 0,
      nextOffset: 3,
      duplicate: true,
      inputs: { nextOffset: 0 },
    });
    const overlap = await one.post(answers(4, 1), producer(1));
    expect([overlap.status, overlap.body]).toEqual([
      201,
      { offset: 3, count: 2, nextOffset: 5, inputs: { nextOffset: 0 } },
    ]);
    const read = (await (await fetch(one.eventsUrl)).json()) as { events: { content: string }[] };
    expect(read.events.map(({ content }) => content)).toEqual(['0', '1', '2', '3', '4']);
  });

  it('is rejected with the expected number when events are missing', async () => {
    const one = stream();
    const unknown = await one.post(answers(1), producer(1));
    expect(unknown.status).toBe(409);
    expect(unknown.body).toMatchObject({ code: 'producer_gap', expectedSeq: 0, stored: 0 });
    await one.post(answers(2), producer(0));
    const gap = await one.post(answers(1), producer(3));
    expect(gap.body).toMatchObject({ code: 'producer_gap', expectedSeq: 2, stored: 0 });
  });

  it('is fenced once a higher epoch has appended, which starts at 0', async () => {
    const one = stream();
    await one.post(answers(2), producer(0, 1));
    const wrongStart = await one.post(answers(1), producer(2, 2));
    expect(wrongStart.body).toMatchObject({ code: 'producer_gap', expectedSeq: 0 });
    expect((await one.post(answers(1), producer(2, 1))).status).toBe(201);
    expect((await one.post(answers(1), producer(0, 2))).status).toBe(201);
    const fenced = await one.post(answers(1), producer(3, 1));
    expect([fenced.status, fenced.body.code]).toEqual([409, 'producer_fenced']);
    const fencedRetry = await one.post(answers(2), producer(0, 1));
    expect(fencedRetry.body).toMatchObject({ code: 'producer_fenced', stored: 0 });
  });

  it('is recognised as a retry after the end too, and a rejection counts what is stored', async () => {
    const one = stream();
    const body = [...answers(2), { type: 'complete' }];
    await one.post(body, producer(0));
    const retry = await one.post(body, producer(0));
    expect([retry.status, retry.body.duplicate]).toEqual([200, true]);
    const more = await one.post([...answers(1), { type: 'complete' }, ...answers(0)], producer(3));
    expect(more.body).toMatchObject({ code: 'stream_ended', stored: 0 });
    const overlap = await one.post(
      [...answers(1, 1), { type: 'session_title' }, ...answers(1)],
      producer(1),
    );
    expect(overlap.body).toMatchObject({
      code: 'stream_ended',
      stored: 2,
      streamStatus: 'complete',
    });
  });

  it('is found again by ?producer=, with its last number', async () => {
    const one = stream();
    await one.post(answers(2), producer(0, 3));
    const status = await (await fetch(`${one.url}?producer=w1`)).json();
    expect(status).toMatchObject({ nextOffset: 2, producer: { epoch: 3, nextSeq: 2 } });
    const other = await (await fetch(`${one.url}?producer=w2`)).json();
    expect(other).toMatchObject({ producer: null });
  });

  it('is possible for at most 64 producers of a stream', async () => {
    const one = stream();
    for (let index = 0; index < 64; index += 1) {
      expect((await one.post(answers(1), producer(0, 0, `w${index}`))).status).toBe(201);
    }
    const oneMore = await one.post(answers(1), producer(0, 0, 'w64'));
    expect([oneMore.status, oneMore.body.code]).toEqual([409, 'too_many_producers']);
    expect((await one.post(answers(1, 1), producer(1, 0, 'w0'))).status).toBe(201);
    expect((await one.post(answers(1))).status).toBe(201);
  });

  it('may have numbers up to the largest safe integer', async () => {
    const one = stream();
    const epoch = Number.MAX_SAFE_INTEGER - 1000;
    await one.post(answers(1), producer(0, epoch));
    const status = (await (await fetch(`${one.url}?producer=w1`)).json()) as object;
    expect(status).toMatchObject({ producer: { epoch, nextSeq: 1 } });
    expect((await one.post(answers(1), producer(0, epoch - 1))).body.code).toBe('producer_fenced');
  });

  it.each([
    { 'producer-id': 'w' },
    { 'producer-seq': '0' },
    { 'producer-id': 'w', 'producer-epoch': '0' },
    { 'producer-epoch': '0', 'producer-seq': '0' },
    { ...producer(0), 'producer-id': 'x'.repeat(129) },
    { ...producer(0), 'producer-id': 'é' },
    { ...producer(0), 'producer-epoch': '-1' },
    { ...producer(0), 'producer-epoch': '01' },
    { ...producer(0), 'producer-seq': '1.5' },
    { ...producer(0), 'producer-seq': '9007199254740991' },
    { 'producer-lease': '0' },
    { 'producer-lease': '3601' },
    { 'producer-lease': 'x' },
  ] as Record<string, string>[])('rejects the headers %j', async (headers) => {
    const { status, body } = await stream().post(answers(1), headers);
    expect([status, body.code, body.stored]).toEqual([400, 'invalid_header', 0]);
  });
});

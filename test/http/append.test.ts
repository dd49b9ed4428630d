import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { postText } from '../support/worker.js';

describeApp('POST …/events', { limits: { eventBytes: 2000, bodyBytes: 10_000 } }, ({ stream }) => {
  it('responds 201 with the offset of the first event, the count and the next offset', async () => {
    const one = stream();
    const first = await one.post({ type: 'answer', content: 'a' });
    expect(first.status).toBe(201);
    expect(first.body).toEqual({ offset: 0, count: 1, nextOffset: 1, inputs: { nextOffset: 0 } });
    expect(first.headers.get('stream-next-offset')).toBe('1');
    const second = await one.postAnswers(3);
    expect(second.body).toEqual({ offset: 1, count: 3, nextOffset: 4, inputs: { nextOffset: 0 } });
    expect(second.headers.get('stream-next-offset')).toBe('4');
  });

  it('generates the fields that are left out, and overwrites no other', async () => {
    const one = stream();
    const given = {
      id: 'seg-1',
      type: 'answer',
      content: 'x',
      done: true,
      timestamp: '2026-01-01T00:00:00.123456+08:00',
      data: { a: 1 },
    };
    await one.post([{ type: 'answer' }, { type: 'answer' }, given]);
    const { events } = (await (await fetch(one.eventsUrl)).json()) as { events: (typeof given)[] };
    const [first, second] = events;
    expect(Object.keys(first as object)).toEqual(['type', 'id', 'content', 'done', 'timestamp']);
    expect(first).toMatchObject({ content: '', done: false });
    expect(first?.id).toMatch(/^auto-/);
    expect(second?.id).not.toBe(first?.id);
    expect(Math.abs(Date.parse(first?.timestamp as string) - Date.now())).toBeLessThan(60_000);
    expect(events[2]).toEqual(given);
  });

  it('stores all of an array or nothing', async () => {
    const one = stream();
    const { status, body } = await one.post([{ type: 'answer' }, { type: '' }]);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'invalid_event', stored: 0 });
    expect(body.detail).toBe(
      'event 1: `type` must have 1 to 64 characters of A-Z a-z 0-9 . _ - and begin with a letter',
    );
    expect((await fetch(one.url)).status).toBe(404);
  });

  it('responds 413 to an event and to a body over their limits', async () => {
    const one = stream();
    const content = 'x'.repeat(2000);
    const tooLarge = await one.post([{ type: 'answer' }, { type: 'answer', content }]);
    expect(tooLarge.status).toBe(413);
    expect(tooLarge.body).toMatchObject({ code: 'event_too_large', stored: 0 });
    expect(tooLarge.body.detail).toMatch(/^event 1 has \d+ bytes, more than 2000/);
    const text = JSON.stringify({ type: 'answer', content: '' });
    const exact = text.replace('""', `"${'y'.repeat(2000 - text.length)}"`);
    expect((await postText(one.eventsUrl, exact)).status).toBe(201);
    const body = await postText(one.eventsUrl, `[${' '.repeat(10_000)}]`);
    expect(body.status).toBe(413);
    expect(body.body).toMatchObject({ code: 'body_too_large', stored: 0 });
  });

  it('responds 409 after the end, with how the stream ended', async () => {
    const one = stream();
    await one.post([{ type: 'answer' }, { type: 'stop' }]);
    const late = await one.post({ type: 'answer' });
    expect(late.status).toBe(409);
    expect(late.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(late.body).toEqual({
      type: 'urn:rejoin:problem:stream_ended',
      title: 'The stream has ended',
      status: 409,
      detail: 'a finished stream rejects further events (stopped)',
      code: 'stream_ended',
      instance: new URL(one.eventsUrl).pathname,
      stored: 0,
      streamStatus: 'stopped',
    });
  });
});

describeApp('POST …/events with many events', {}, ({ stream }) => {
  it('stores 1000 events at once, and rejects 1001 and an empty array', async () => {
    const one = stream();
    expect((await one.postAnswers(1000)).body).toEqual({
      offset: 0,
      count: 1000,
      nextOffset: 1000,
      inputs: { nextOffset: 0 },
    });
    const tooMany = await one.postAnswers(1001);
    expect(tooMany.status).toBe(400);
    expect(tooMany.body).toMatchObject({ code: 'invalid_event', stored: 0 });
    expect(tooMany.body.detail).toMatch(/1 to 1000 events/);
    const none = await one.post([]);
    expect([none.status, none.body.code, none.body.stored]).toEqual([400, 'invalid_event', 0]);
  });
});

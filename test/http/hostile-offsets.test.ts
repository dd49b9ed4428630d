import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';

const badOffsets = [
  ...['-1', '-0', '+1', '00', '01', '1e3', '0x1', '1.0', ' 1', '1 ', '１', '9007199254740992'],
  ...['9223372036854775808', 'NaN', 'Infinity', '5, 7', '5-', '-a', '5-0000000', '5-0000000g'],
  ...['5-ABCDEF01', '5-000000000', 'null', '0'.repeat(20_000), '1\u0000'],
];

describeApp('The offset of a request', {}, ({ stream }) => {
  it.each(
    badOffsets.map((offset) => [offset.length > 40 ? `${offset.length} digits` : offset, offset]),
  )('is rejected as %j on every route', async (_, offset) => {
    const one = stream();
    for (const route of ['events', 'stream']) {
      const response = await fetch(`${one.url}/${route}?offset=${encodeURIComponent(offset)}`);
      const { code } = (await response.json()) as { code: string };
      const tooLong = offset.length > 16_000;
      expect([response.status, code]).toEqual(
        tooLong ? [431, 'headers_too_large'] : [400, 'invalid_offset'],
      );
    }
  });

  it.each(['-1', '+1', '00', '1e3', '5, 7', '5-', '-a', '1.0', 'now', '9007199254740992'])(
    'is a reset and a replay from the start as the Last-Event-ID %j',
    async (id) => {
      const one = stream();
      await one.postAnswers(2);
      const inQuery = `?lastEventId=${encodeURIComponent(id)}&offset=1`;
      for (const feed of [await one.feed('', { 'last-event-id': id }), await one.feed(inQuery)]) {
        await feed.frameCount(3);
        expect(feed.frames[0]).toEqual({
          event: 'reset',
          id: '0',
          data: '{"reason":"unknown","offset":0}',
        });
        expect(feed.frames[1]?.id).toMatch(/^1-/);
        feed.drop();
      }
    },
  );

  it('is a reset that says whether there is a stream when Last-Event-ID is given twice', async () => {
    const headers = { 'last-event-id': '5, 7' };
    const feed = await stream().feed('', headers);
    await feed.frameCount(1);
    expect(feed.frames[0]).toMatchObject({ event: 'reset', id: '0-00000000' });
    feed.drop();
  });

  it('is rejected when given twice', async () => {
    const one = stream();
    const twice = await fetch(`${one.url}/events?offset=1&offset=2`);
    expect([twice.status, await twice.json()]).toMatchObject([400, { code: 'invalid_offset' }]);
  });

  it('is rejected when empty for a page, and ignored when empty for a feed', async () => {
    const one = stream();
    await one.postAnswers(1);
    expect((await fetch(`${one.url}/events?offset=`)).status).toBe(400);
    const feed = await one.feed('?offset=');
    await feed.frameCount(1);
    expect(feed.frames[0]?.id).toMatch(/^1-/);
    feed.drop();
  });

  it('may be the largest there is, which is past every end', async () => {
    const one = stream();
    const read = await fetch(`${one.url}/events?offset=${Number.MAX_SAFE_INTEGER}`);
    expect(await read.json()).toMatchObject({ events: [], nextOffset: Number.MAX_SAFE_INTEGER });
    const feed = await one.feed(`?offset=${Number.MAX_SAFE_INTEGER}`);
    await feed.frameCount(1);
    expect(feed.frames[0]?.event).toBe('reset');
    feed.drop();
  });

  it('is 410 or a reset when its checksum does not match', async () => {
    const one = stream();
    expect((await fetch(`${one.url}/events?offset=5-00000000`)).status).toBe(410);
    const feed = await one.feed('?offset=5-00000000');
    await feed.frameCount(1);
    expect(feed.frames[0]).toMatchObject({ event: 'reset', id: '0-00000000' });
    feed.drop();
  });
});

describeApp('The path in a problem document', {}, ({ stream }) => {
  it('leaves out the query, which may hold a token', async () => {
    const response = await fetch(`${stream().url}/stream?offset=x&token=secret`);
    expect(await response.text()).not.toContain('secret');
  });
});

import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { waitFor } from '../support/wait-for.js';

const feed = { pollIntervalMs: 100, waitMs: 3000 };

describeApp('A feed whose position is gone', { feed }, ({ stream }) => {
  it.each(['3', '3-00000000', '2-00000000', '0-00000001'])(
    'A client that comes with %s to a stream of two events is reset',
    async (id) => {
      const one = stream();
      await one.postAnswers(2);
      const client = await one.feed('', { 'last-event-id': id });
      await client.frameCount(3);
      const reason = id.startsWith('3') ? 'gone' : 'diverged';
      expect(client.frames[0]).toEqual({
        event: 'reset',
        id: '0',
        data: JSON.stringify({ reason, offset: 0 }),
      });
      expect(client.frames[1]?.id).toMatch(/^1-/);
      client.drop();
    },
  );

  it('A client of a stream that no longer exists is reset, waits, and gets 204 when it comes back', async () => {
    const one = stream();
    const client = await one.feed('?offset=5-12345678');
    await client.frameCount(1);
    expect(client.frames[0]).toMatchObject({
      event: 'reset',
      id: '0-00000000',
      data: '{"reason":"gone","offset":0}',
    });
    await client.end();
    // An id of its own, after that of the reset, would be an empty event to some clients.
    expect(client.raw).toMatch(/"offset":0}\nid: 0-00000000\n\n$/);
    const again = await one.feed('', { 'last-event-id': client.lastId as string });
    expect(again.status).toBe(204);
  });

  it('A client that was reset goes on from 0 when the stream comes to exist', async () => {
    const one = stream();
    const client = await one.feed('?offset=5');
    await client.frameCount(1);
    await one.postAnswers(2);
    await client.frameCount(3);
    const back = await one.feed('', { 'last-event-id': '0-00000000' });
    expect(back.status).toBe(200);
    await back.frameCount(2);
    back.drop();
    client.drop();
  });

  it('A client at 0 of a stream that does not exist waits without a reset', async () => {
    const one = stream();
    const client = await one.feed('?offset=0');
    await waitFor('the first bytes', () => client.raw.includes('connected'));
    await one.postAnswers(1);
    await client.frameCount(1);
    expect(client.frames[0]?.event).toBeUndefined();
    client.drop();
  });
});

const backend = { ttlMs: 2000 };
const patient = { ...feed, waitMs: 60_000 };
describeApp('A feed whose stream expires', { feed: patient, backend }, ({ stream }) => {
  it('A client whose stream expires is reset, and follows the stream that comes after', async () => {
    const one = stream();
    await one.postAnswers(2);
    const client = await one.feed();
    await client.frameCount(3);
    expect(client.frames[2]).toMatchObject({ event: 'reset', id: '0-00000000' });
    await one.postAnswers(1, 7);
    await client.frameCount(4);
    expect(JSON.parse(client.data[3] as string).content).toBe('chunk 7');
    client.drop();
  });
});

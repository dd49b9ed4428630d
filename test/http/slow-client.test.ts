import { expect, it } from 'vitest';
import { type AppSource, describeApp } from '../support/app-suite.js';
import { waitFor } from '../support/wait-for.js';

const chunk = 'x'.repeat(50_000);

describeApp('a client that does not read', {}, (source) => {
  const { stream } = source;
  it('costs no more than its socket, holds up nobody, and gets all when it reads on', async () => {
    const one = stream();
    const [slow, quick] = [await one.feed(), await one.feed()];
    slow.response.pause();
    let posted = 0;
    // Far more than a socket's buffers on both sides hold.
    for (let round = 0; round < 40; round += 1) {
      const events = Array.from({ length: 10 }, () => ({ type: 'answer', content: chunk }));
      expect((await one.post(events)).status).toBe(201);
      posted += events.length;
    }
    await quick.frameCount(posted);
    expect(slow.frames.length).toBeLessThan(posted);
    slow.response.resume();
    await slow.frameCount(posted);
    expect(slow.frames.map(({ id }) => id)).toEqual(quick.frames.map(({ id }) => id));
    slow.drop();
    quick.drop();
  });

  it('may leave while its socket is full, and nothing is left of it', async () => {
    const one = stream();
    const slow = await one.feed();
    slow.response.pause();
    for (let round = 0; round < 20; round += 1) {
      await one.post(Array.from({ length: 10 }, () => ({ type: 'answer', content: chunk })));
    }
    slow.drop();
    await slow.end();
    await waitFor('the feed is gone', async () => (await connectionCount(source)) === 0);
  });
});

const stallMs = 400;

describeApp('a socket that takes nothing', { feed: { stallMs } }, (source) => {
  it('is cut after a while, and its client loses nothing when it comes back', async () => {
    const one = source.stream();
    const [slow, quick] = [await one.feed(), await one.feed()];
    slow.response.pause();
    const posted = 400;
    for (let from = 0; from < posted; from += 10) {
      await one.post(Array.from({ length: 10 }, () => ({ type: 'answer', content: chunk })));
    }
    await quick.frameCount(posted);
    await waitFor('only the other is left', async () => (await connectionCount(source)) === 1);
    slow.response.resume();
    await slow.end();
    expect(slow.frames.length).toBeLessThan(posted);

    const again = await one.feed('', { 'last-event-id': slow.lastId as string });
    await again.frameCount(posted - slow.frames.length);
    const ids = [...slow.frames, ...again.frames].map(({ id }) => id);
    expect(ids).toEqual(quick.frames.map(({ id }) => id));
    again.drop();
    quick.drop();
  });
});

async function connectionCount({ app: { app: fastify } }: AppSource): Promise<number> {
  fastify.server.closeIdleConnections();
  return new Promise((resolve, reject) => {
    fastify.server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

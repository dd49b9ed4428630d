import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { type AppSource, describeApp } from '../support/app-suite.js';
import type { FeedClient } from '../support/feed-client.js';
import { unlessStalled } from '../support/unless-stalled.js';
import { waitFor } from '../support/wait-for.js';

const chunk = 'x'.repeat(50_000);

describeApp('A client that does not read', {}, (source) => {
  const { stream } = source;
  it('A client that does not read costs no more than its socket, holds up no other, and gets everything when it reads on', async () => {
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

  it('A client that leaves while its socket is full leaves nothing behind', async () => {
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

describeApp('A socket that takes nothing', { feed: { stallMs } }, (source) => {
  it('A socket that takes nothing is cut after a while, and its client loses nothing when it comes back', async () => {
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

  it('A socket of which the client takes little at a time is not cut', async () => {
    const one = source.stream();
    for (let posted = 0; posted < 600; posted += 10) {
      await one.post(Array.from({ length: 10 }, () => ({ type: 'answer', content: chunk })));
    }
    await unlessStalled(stallMs / 4, async () => {
      const slow = await one.feed();
      slow.response.pause();
      for (let pieces = 0; pieces < 12; pieces += 1) {
        await sleep(stallMs / 4);
        takePiece(slow);
      }
      const count = await connectionCount(source);
      const received = slow.frames.length;
      slow.drop();
      await slow.end();
      expect(count).toBe(1);
      expect(received).toBeLessThan(400);
    });
  });
});

describeApp('A feed whose socket is full', { feed: { stallMs, maxAgeMs: 1000 } }, (source) => {
  it('is cut after its age, though its client sends bytes and so never times out', async () => {
    const one = source.stream();
    const { port } = new URL(one.app.url);
    const socket = connect(Number(port), '127.0.0.1').pause();
    onTestFinished(() => void socket.destroy());
    const path = new URL(one.eventsUrl).pathname.replace(/events$/, 'stream');
    const request = `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
    socket.on('error', () => {}).write(request); // it is cut
    // Further requests are read into nothing.
    const sending = setInterval(() => socket.write(request), stallMs / 10);
    onTestFinished(() => clearInterval(sending));
    await waitFor('the feed is open', async () => (await connectionCount(source)) === 1);
    for (let round = 0; round < 40; round += 1) {
      await one.post(Array.from({ length: 10 }, () => ({ type: 'answer', content: chunk })));
    }
    await waitFor('the feed is cut', async () => (await connectionCount(source)) === 0);
  });
});

/** As much as opens the window of a TCP socket that was full, however large its buffer has grown. */
const pieceBytes = 1024 ** 2;

/** Reads a piece, then pauses again. */
function takePiece({ response }: FeedClient): void {
  let left = pieceBytes;
  const onData = (text: string) => {
    left -= text.length;
    if (left <= 0) response.off('data', onData).pause();
  };
  response.on('data', onData).resume();
}

async function connectionCount({ app: { app: fastify } }: AppSource): Promise<number> {
  fastify.server.closeIdleConnections();
  return new Promise((resolve, reject) => {
    fastify.server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { describeApp, type TestStream } from '../support/app-suite.js';
import type { FeedClient } from '../support/feed-client.js';
import { openSocket } from '../support/raw-http.js';
import { busyConnections } from '../support/test-app.js';
import { unlessStalled } from '../support/unless-stalled.js';
import { waitFor } from '../support/wait-for.js';

/** Events of half a megabyte together. */
const largeEvents = Array(10).fill({ type: 'answer', content: 'x'.repeat(50_000) });
async function postLarge(one: TestStream, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    expect((await one.post(largeEvents)).status).toBe(201);
  }
}

describeApp('A client that does not read', {}, (source) => {
  const { stream } = source;
  it('A client that does not read costs no more than its socket, holds up no other, and gets everything when it reads on', async () => {
    const one = stream();
    const [slow, quick] = [await one.feed(), await one.feed()];
    slow.response.pause();
    const posted = 400;
    await postLarge(one, 40); // far more than a socket's buffers on both sides hold
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
    await postLarge(one, 20);
    slow.drop();
    await slow.end();
    await waitFor('the feed is gone', async () => (await busyConnections(source.app)) === 0);
  });
});

const stallMs = 400;

describeApp('A socket that takes nothing', { feed: { stallMs } }, (source) => {
  it('A socket that takes nothing is cut after a while, and its client loses nothing when it comes back', async () => {
    const one = source.stream();
    const [slow, quick] = [await one.feed(), await one.feed()];
    slow.response.pause();
    const posted = 400;
    await postLarge(one, 40);
    await quick.frameCount(posted);
    await waitFor('only the other is left', async () => (await busyConnections(source.app)) === 1);
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
    await postLarge(one, 60);
    await unlessStalled(stallMs / 4, async () => {
      const slow = await one.feed();
      slow.response.pause();
      for (let pieces = 0; pieces < 12; pieces += 1) {
        await sleep(stallMs / 4);
        takePiece(slow);
      }
      const count = await busyConnections(source.app);
      const received = slow.frames.length;
      slow.drop();
      await slow.end();
      expect(count).toBe(1);
      expect(received).toBeLessThan(400);
    });
  });
});

describeApp('A feed whose socket is full', { feed: { stallMs, maxAgeMs: 1000 } }, (source) => {
  it('A feed whose socket is full is cut after its age, though its client sends bytes and so never times out', async () => {
    const one = source.stream();
    const socket = openSocket(one.app.url).pause();
    const request = `GET ${one.path}/stream HTTP/1.1\r\nhost: x\r\n\r\n`;
    socket.write(request);
    // Further requests are read into nothing.
    const sending = setInterval(() => socket.write(request), stallMs / 10);
    onTestFinished(() => clearInterval(sending));
    await waitFor('the feed is open', async () => (await busyConnections(source.app)) === 1);
    await postLarge(one, 40);
    await waitFor('the feed is cut', async () => (await busyConnections(source.app)) === 0);
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

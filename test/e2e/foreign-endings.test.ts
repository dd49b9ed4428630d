import { describe, expect, it } from 'vitest';
import { maxEventDepth } from '../../src/events/event.js';
import { StreamOfTest } from '../support/stream-of-test.js';
import { clientOf, openFeed } from '../support/test-processes.js';
import { post } from '../support/worker.js';

function completeOfDepth(levels: number): string {
  const arrays = levels - 2; // within two objects
  return `{"type":"complete","data":{"d":${'['.repeat(arrays)}${']'.repeat(arrays)}}}`;
}

/** Readers and appends agree on whether the stream has ended. */
describe('The service, with what another program pushed,', () => {
  const stream = new StreamOfTest({ FEED_POLL_INTERVAL: '100ms', FEED_LINGER: '100ms' });

  it.each([
    ['with an escaped type', '{"type":"\\u0063omplete"}'],
    ['with white space', '{ "type" :\n"complete" }'],
    ['with a repeated key, of which the last counts', '{"type":"answer","type":"complete"}'],
    ['with half a surrogate pair', '{"type":"complete","content":"\\ud83d"}'],
    ['nested as deeply as an event may be', completeOfDepth(maxEventDepth)],
  ])('recognises a complete event as the end %s', async (_, element) => {
    await clientOf(stream.redis).rpush(stream.key, element);
    await (await stream.follow()).end();
    const append = await stream.append({ type: 'answer' });
    expect(append).toMatchObject({ status: 409, body: { code: 'stream_ended' } });
  });

  it.each([
    ['is not UTF-8', Buffer.from('{"type":"complete","content":"\xff"}', 'latin1')],
    ['is not JSON', Buffer.from('{"type":"complete","content":NaN}')],
    ['is not an object', Buffer.from('[{"type":"complete"}]')],
    ['is nested deeper than an event may be', Buffer.from(completeOfDepth(maxEventDepth + 1))],
    ['is nested a thousand levels deep', Buffer.from(completeOfDepth(1000))],
    [
      'has it elsewhere',
      Buffer.from('{"type":"answer","data":{"type":"complete"},"content":"\\"stop\\""}'),
    ],
  ])('recognises no end in what %s', async (_, element) => {
    await clientOf(stream.redis).rpush(stream.key, element);
    const feed = await stream.follow();
    await feed.frameCount(1);
    const append = await stream.append({ type: 'answer' });
    expect(append).toMatchObject({ status: 201, body: { offset: 1 } });
    await feed.frameCount(2);
  });

  it('ends the feed of the inputs when it finds the end in a poll, and rejects further inputs', async () => {
    const inputsUrl = stream.eventsUrl.replace(/events$/, 'inputs');
    await stream.append({ type: 'answer' });
    await post(inputsUrl, { type: 'message', id: 'i1' });
    const feed = await openFeed(`${inputsUrl}/stream`);
    await feed.frameCount(1);
    await clientOf(stream.redis).rpush(stream.key, '{"type":"complete"}');
    await feed.end();
    expect([feed.response.complete, feed.frames.length]).toEqual([true, 1]);
    const late = await post(inputsUrl, { type: 'message', id: 'i2' });
    expect(late).toMatchObject({ status: 409, body: { code: 'stream_ended' } });
  });
});

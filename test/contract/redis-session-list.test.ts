import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, it, onTestFinished } from 'vitest';
import { redisBackend } from '../support/backends.js';
import { answers } from '../support/events.js';
import { type Side, TcpProxy } from '../support/tcp-proxy.js';

it('GET /sessions/:sid asks Redis for many streams of the session with each command', async () => {
  let rounds = 0;
  let lastFrom: Side = 'service';
  const proxy = await TcpProxy.start(inject('redisPort'), async (chunk, from) => {
    if (from === 'client' && lastFrom === 'service') rounds += 1;
    lastFrom = from;
    await sleep(20); // what is asked for at a time comes before the first response
    return chunk.length;
  });
  onTestFinished(() => proxy.close());
  const addresses = [{ host: '127.0.0.1', port: proxy.port }];
  const manager = await redisBackend.create({ redis: { addresses } });
  onTestFinished(() => manager.close());
  const messageIds = Array.from({ length: 200 }, (_, index) => `m${index}`);
  const append = (messageId: string) =>
    manager.appendEvents({ sessionId: 's1', messageId }, answers(1));
  await Promise.all(messageIds.map(append));

  rounds = 0;
  const listed = await manager.listStreams('s1');
  expect(rounds).toBeGreaterThan(0);
  expect(rounds).toBeLessThan(messageIds.length / 2);
  expect(new Set(listed.map(({ messageId }) => messageId))).toEqual(new Set(messageIds));
});

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, it, onTestFinished } from 'vitest';
import { redisBackend } from '../support/backends.js';
import { answers } from '../support/events.js';
import { TcpProxy } from '../support/tcp-proxy.js';

it('Redis is asked for many streams of a session at a time', async () => {
  /** So much that a busy machine adds little to it. */
  const latencyMs = 100;
  const proxy = await TcpProxy.start(inject('redisPort'), async (chunk) => {
    await sleep(latencyMs);
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

  const startedAt = performance.now();
  const listed = await manager.listStreams('s1');
  expect(performance.now() - startedAt).toBeLessThan((messageIds.length * latencyMs) / 2);
  expect(new Set(listed.map(({ messageId }) => messageId))).toEqual(new Set(messageIds));
});

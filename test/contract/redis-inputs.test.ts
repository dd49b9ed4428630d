import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogId, StreamId } from '../../src/store/stream-manager.js';
import { type Backend, redisBackend } from '../support/backends.js';
import { answers, complete, newStream, texts } from '../support/events.js';
import { messages } from '../support/inputs.js';
import { producer } from '../support/producers.js';
import { RedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';

const prefix = 'p';
const listOf = ({ sessionId, messageId }: StreamId) => `${prefix}:${sessionId}:${messageId}`;
const keysOf = (stream: StreamId) => ({
  state: `{${listOf(stream)}}::state2`,
  inputs: `{${listOf(stream)}}::inputs`,
  ids: `{${listOf(stream)}}::input-ids`,
});
const logOf = (stream: StreamId): LogId => ({ ...stream, log: 'inputs' });

describe('Inputs in Redis', () => {
  let server: RedisServer;
  let client: ReturnType<RedisServer['client']>;
  let manager: Awaited<ReturnType<Backend['create']>>;
  beforeAll(async () => {
    server = await RedisServer.start();
    client = server.client();
    manager = await redisBackend.create({ redis: { addresses: [server.endpoint], prefix } });
  });
  afterAll(async () => {
    await manager.close();
    client.disconnect();
    await server.stop();
  });

  async function streamWithInputs(count: number): Promise<StreamId> {
    const stream = newStream();
    await manager.appendEvents(stream, answers(1));
    await manager.appendInputs(stream, await messages(count));
    return stream;
  }
  const read = async (stream: StreamId) =>
    texts((await manager.getEvents(logOf(stream), 0, 100)).events);
  const ended = { code: 'stream_ended', details: { streamStatus: 'complete' } };

  it('expire with the state of their stream, after its events', async () => {
    const stream = await streamWithInputs(2);
    const { state, inputs, ids } = keysOf(stream);
    const lives = () => Promise.all([state, inputs, ids].map((key) => client.pttl(key)));
    for (const act of [
      () => manager.appendEvents(stream, answers(1)),
      () => manager.renewLease(stream, { leaseMs: 60_000 }),
      () => manager.getStatus(stream),
    ]) {
      for (const key of [state, inputs, ids]) await client.pexpire(key, 1000);
      await act();
      const left = await lives();
      expect(Math.min(...left)).toBeGreaterThan(await client.pttl(listOf(stream)));
    }
  });

  it('leave nothing behind when their stream is deleted', async () => {
    const stream = await streamWithInputs(2);
    await manager.deleteStream(stream);
    const { inputs, ids } = keysOf(stream);
    expect(await client.exists(inputs, ids)).toBe(0);
  });

  it('are dropped with the state when another program replaces the list of events', async () => {
    const stream = await streamWithInputs(2);
    await client.del(listOf(stream));
    expect(await manager.appendInputs(stream, await messages(1))).toBeNull();
    await client.rpush(listOf(stream), '{"type":"answer"}', '{"type":"answer"}');
    expect(await manager.getStatus(stream)).toMatchObject({ inputs: { nextOffset: 0 } });
    const { inputs, ids } = keysOf(stream);
    expect(await client.exists(inputs, ids)).toBe(0);
    expect(await manager.appendInputs(stream, await messages(1))).toMatchObject({ offset: 0 });
  });

  it('that the state does not account for are not read, and the next ones replace them', async () => {
    const stream = await streamWithInputs(1);
    const { state, inputs, ids } = keysOf(stream);
    await client.hdel(state, 'i');
    expect(await read(stream)).toEqual([]);
    const sent = await messages(2);
    expect(await manager.appendInputs(stream, sent)).toMatchObject({ offset: 0, count: 2 });
    expect(await read(stream)).toEqual(texts(sent));
    expect([await client.llen(inputs), await client.hlen(ids)]).toEqual([2, 2]);
  });

  it('that Redis lost begin again', async () => {
    const stream = await streamWithInputs(3);
    await client.del(keysOf(stream).inputs);
    expect(await read(stream)).toEqual([]);
    expect(await manager.appendInputs(stream, await messages(1))).toMatchObject({
      offset: 0,
      nextOffset: 1,
    });
    expect(await read(stream)).toHaveLength(1);
  });

  it('are rejected after an end that another program pushed, and their watchers are notified', async () => {
    const stream = await streamWithInputs(1);
    let notifications = 0;
    const unwatch = manager.watch(logOf(stream), () => {
      notifications += 1;
    });
    await waitFor('it is subscribed', () => notifications > 0);
    const before = notifications;
    await client.rpush(listOf(stream), '{"type":"complete"}');
    await expect(manager.appendInputs(stream, await messages(2))).rejects.toMatchObject(ended);
    await waitFor('it is notified', () => notifications > before);
    unwatch();
  });

  it('of a stream that another program began are stored', async () => {
    const stream = newStream();
    await client.rpush(listOf(stream), '{"type":"answer"}');
    expect(await manager.appendInputs(stream, await messages(2))).toMatchObject({ count: 2 });
    expect(await read(stream)).toHaveLength(2);
  });

  it('are rejected by a Redis that is full, which still acknowledges and ends', async () => {
    const stream = await streamWithInputs(2);
    const stamp = { producer: producer(0), inputsAckOffset: 0 };
    await manager.appendEvents(stream, answers(1), stamp);
    await client.config('SET', 'maxmemory', '1');
    try {
      const full = { code: 'store_full' };
      await expect(manager.appendInputs(stream, await messages(4))).rejects.toMatchObject(full);
      expect(await manager.appendInputs(stream, await messages(2))).toMatchObject({ count: 0 });
      const first = await manager.renewLease(stream, { inputsAckOffset: 1 });
      expect(first?.inputs).toEqual({ nextOffset: 2, ackOffset: 1 });
      await manager.appendEvents(stream, answers(1), { ...stamp, inputsAckOffset: 2 });
      expect((await manager.getStatus(stream))?.inputs.ackOffset).toBe(2);
      const end = { inputsAckOffset: 2 };
      expect(await manager.appendEvents(stream, [complete()], end)).toMatchObject({ count: 1 });
    } finally {
      await client.config('SET', 'maxmemory', '0');
    }
    await expect(manager.appendInputs(stream, await messages(4))).rejects.toMatchObject(ended);
  });

  it('are rejected for a state of another version, and nothing is changed', async () => {
    const stream = await streamWithInputs(1);
    const { state, inputs } = keysOf(stream);
    const packed = (await client.hgetBuffer(state, 's')) as Buffer;
    packed[0] = 9;
    await client.hset(state, 's', packed);
    const other = { code: 'backend_unavailable', details: { stored: 0 } };
    await expect(manager.appendInputs(stream, await messages(2))).rejects.toMatchObject(other);
    await expect(manager.getEvents(logOf(stream), 0, 1)).rejects.toMatchObject(other);
    expect(await client.llen(inputs)).toBe(1);
  });
});

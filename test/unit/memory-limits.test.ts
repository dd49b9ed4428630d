import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../src/events/event.js';
import { exemptTerminalBytes, smallTerminalBytes } from '../../src/store/append-rules.js';
import {
  eventOverheadBytes,
  inputOverheadBytes,
  MemoryStreamManager,
  type MemoryStreamManagerOptions,
  streamOverheadBytes,
} from '../../src/store/memory/memory-stream-manager.js';
import type { StreamId } from '../../src/store/stream-manager.js';
import { inputLimits } from '../support/backends.js';
import { answers, complete, eventOfBytes, newStream, title } from '../support/events.js';
import { messages } from '../support/inputs.js';
import { waitFor } from '../support/wait-for.js';

const limits = {
  ...inputLimits,
  maxStreamEvents: 1000,
  maxStreamBytes: 1024 ** 2,
  maxSessionStreams: 1000,
};

function manager(options: Partial<MemoryStreamManagerOptions>): MemoryStreamManager {
  return new MemoryStreamManager({
    ttlMs: 60_000,
    maxAgeMs: 60_000,
    limits,
    maxBytes: 1024 ** 2,
    maxStreams: 100,
    ...options,
  });
}

const full = { code: 'store_full' };

describe('The memory store', () => {
  it('rejects a stream over max_streams, and existing streams are not affected', async () => {
    const store = manager({ maxStreams: 2 });
    const [one, two] = [newStream(), newStream()];
    await store.appendEvents(one, answers(1));
    await store.appendEvents(two, answers(1));
    await expect(store.appendEvents(newStream(), answers(1))).rejects.toMatchObject(full);
    await store.appendEvents(one, answers(1));
    expect((await store.getEvents(one, 0, 10)).events).toHaveLength(2);
    expect(store.usage.streams).toBe(2);
    await store.close();
  });

  it('rejects events over max_bytes and stores none of them', async () => {
    const size = 10_000;
    const store = manager({ maxBytes: streamOverheadBytes + 3 * (size + eventOverheadBytes) });
    const stream = newStream();
    await store.appendEvents(stream, [eventOfBytes(size), eventOfBytes(size)]);
    const two = [eventOfBytes(size), eventOfBytes(size)];
    await expect(store.appendEvents(stream, two)).rejects.toMatchObject(full);
    await expect(store.appendEvents(newStream(), two)).rejects.toMatchObject(full);
    expect(store.usage).toEqual({
      streams: 1,
      bytes: streamOverheadBytes + 2 * (size + eventOverheadBytes),
    });
    await store.appendEvents(stream, [eventOfBytes(size)]);
    await store.close();
  });

  it('counts inputs as well, and rejects those over max_bytes', async () => {
    const [first, second] = await messages(2);
    if (first === undefined || second === undefined) throw new Error('there are two');
    const ofInput = first.bytes.length + inputOverheadBytes;
    const store = manager({ maxBytes: streamOverheadBytes + 1000 + eventOverheadBytes + ofInput });
    const stream = newStream();
    await store.appendEvents(stream, [eventOfBytes(1000)]);
    await store.appendInputs(stream, [first]);
    const rejected = { ...full, details: { stored: 1 } };
    await expect(store.appendInputs(stream, [first, second])).rejects.toMatchObject(rejected);
    expect((await store.getStatus(stream))?.inputs.nextOffset).toBe(1);
    await store.deleteStream(stream);
    expect(store.usage).toEqual({ streams: 0, bytes: 0 });
    await store.close();
  });

  it('ends a stream whose lease has expired although it is full', async () => {
    const size = 10_000;
    const store = manager({
      maxBytes: streamOverheadBytes + size + eventOverheadBytes,
      maxStreams: 1,
    });
    const stream = newStream();
    await store.appendEvents(stream, [eventOfBytes(size)], { leaseMs: 1000 });
    await expect(store.appendEvents(stream, answers(1))).rejects.toMatchObject(full);
    await waitFor('it is lost', async () => (await store.getStatus(stream))?.status === 'failed');
    expect((await store.getEvents(stream, 0, 10)).events).toHaveLength(2);
    await store.close();
    expect(store.usage).toEqual({ streams: 0, bytes: 0 });
  });

  it('accepts the small end of a stream although it is full, and nothing else', async () => {
    const size = exemptTerminalBytes;
    const store = manager({ maxBytes: streamOverheadBytes + size + eventOverheadBytes });
    const stream = newStream();
    await store.appendEvents(stream, [eventOfBytes(size)]);
    const small = eventOfBytes(exemptTerminalBytes, 'complete');
    const large = eventOfBytes(exemptTerminalBytes + 1, 'complete');
    for (const batch of [answers(1), [large], [...answers(1), small], [small, title()]]) {
      await expect(store.appendEvents(stream, batch)).rejects.toMatchObject(full);
    }
    await expect(store.appendEvents(newStream(), [small])).rejects.toMatchObject(full);
    await store.appendEvents(stream, [small]);
    expect(await store.getStatus(stream)).toMatchObject({ status: 'complete', nextOffset: 2 });
    await expect(store.appendEvents(stream, [title()])).rejects.toMatchObject(full);
    await store.deleteStream(stream);
    expect(store.usage).toEqual({ streams: 0, bytes: 0 });
    await store.close();
  });

  it('grows to at most twice its limit when all its streams end while it is full', async () => {
    const maxStreams = 100;
    const store = manager({ maxStreams, maxBytes: maxStreams * streamOverheadBytes });
    const ids = Array.from({ length: maxStreams }, newStream);
    const isTaken = (id: StreamId, event: StoredEvent) =>
      store.appendEvents(id, [event]).then(
        () => true,
        () => false,
      );
    const begun: StreamId[] = [];
    for (const id of ids) if (await isTaken(id, eventOfBytes(100))) begun.push(id);
    const fullBytes = store.usage.bytes;
    for (const id of begun) {
      expect(await isTaken(id, eventOfBytes(smallTerminalBytes + 1, 'complete'))).toBe(false);
      expect(await isTaken(id, eventOfBytes(smallTerminalBytes, 'complete'))).toBe(true);
    }
    expect(begun.length).toBeGreaterThan(maxStreams / 2);
    expect(store.usage.bytes).toBeGreaterThan(store.options.maxBytes);
    expect(store.usage.bytes).toBeLessThan(2 * fullBytes);
    await store.close();
  });

  it('frees the memory of expired streams without a request', async () => {
    const store = manager({ ttlMs: 2000 });
    for (let count = 0; count < 100; count += 1) await store.appendEvents(newStream(), answers(3));
    expect(store.usage.streams).toBe(100);
    await waitFor('the store is empty', () => store.usage.streams === 0);
    expect(store.usage).toEqual({ streams: 0, bytes: 0 });
    await store.appendEvents(newStream(), [complete()]);
    await store.close();
    expect(store.usage).toEqual({ streams: 0, bytes: 0 });
  });

  it('renews the expiry of a stream with each append, and expires the others', async () => {
    const store = manager({ ttlMs: 3000 });
    const [kept, left] = [newStream(), newStream()];
    await store.appendEvents(left, answers(1));
    await waitFor('the other is gone', async () => {
      await store.appendEvents(kept, answers(1));
      return (await store.getStatus(left)) === null;
    });
    expect((await store.getStatus(kept))?.nextOffset).toBeGreaterThan(10);
    await store.close();
  });
});

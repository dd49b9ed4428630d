import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryStreamManager } from '../../src/store/memory/memory-stream-manager.js';
import { inputLimits } from '../support/backends.js';
import { answers, newStream } from '../support/events.js';
import { waitFor } from '../support/wait-for.js';

const hourMs = 3_600_000;
const limits = {
  ...inputLimits,
  maxStreamEvents: 10,
  maxStreamBytes: 1000,
  maxSessionStreams: 10,
};

const realNow = Date.now;

/** Timers go on as they were: they go by another clock. */
describe('The memory store, when the system clock is set,', () => {
  let store: MemoryStreamManager;
  let aheadMs: number;
  beforeEach(() => {
    const times = { ttlMs: hourMs, maxAgeMs: hourMs };
    store = new MemoryStreamManager({ ...times, limits, maxBytes: 1e6, maxStreams: 10 });
    aheadMs = 0;
    vi.spyOn(Date, 'now').mockImplementation(() => realNow() + aheadMs);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await store.close();
  });

  it('soon expires streams that are over by the new time, without a request', async () => {
    await store.appendEvents(newStream(), answers(1));
    aheadMs = hourMs / 2;
    await store.appendEvents(newStream(), answers(1));
    aheadMs = hourMs;
    await waitFor('the first has expired', () => store.usage.streams < 2);
    expect(store.usage.streams).toBe(1);
  });

  it('expires in time streams that began before it was set back and after', async () => {
    await store.appendEvents(newStream(), answers(1));
    aheadMs = -hourMs;
    const stream = newStream();
    await store.appendEvents(stream, answers(1));
    aheadMs = 0;
    expect(await store.getStatus(stream)).toBeNull();
    aheadMs = hourMs;
    await waitFor('both have expired', () => store.usage.streams === 0);
  });

  it('expires no lease before a full one has passed since it was set ahead', async () => {
    const leaseMs = 1500;
    const stream = newStream();
    await store.appendEvents(stream, answers(1), { leaseMs });
    aheadMs = hourMs / 2;
    const setAt = performance.now();
    const isLost = async () => (await store.getStatus(stream))?.status === 'failed';
    await waitFor('it is lost', isLost);
    expect(performance.now() - setAt).toBeGreaterThanOrEqual(leaseMs);
  });

  it('expires a lease in time that was renewed after it was set back', async () => {
    const leaseMs = 1500;
    const stream = newStream();
    await store.appendEvents(stream, answers(1), { leaseMs });
    aheadMs = -hourMs / 2;
    await store.renewLease(stream, { leaseMs });
    const isLost = async () => (await store.getStatus(stream))?.status === 'failed';
    await waitFor('it is lost', isLost);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'vitest';
import type { StreamId, StreamManager } from '../../src/store/stream-manager.js';
import { answers, complete, newStream, title } from '../support/events.js';
import { producer } from '../support/producers.js';
import { unlessStalled } from '../support/unless-stalled.js';
import { waitFor } from '../support/wait-for.js';
import type { ManagerSource } from './manager-source.js';

/** Long enough for a busy machine to renew it in time. */
const leaseMs = 3000;

/** They mostly wait for leases to run out: so all at once. */
export function leasesContract(manager: ManagerSource): void {
  describe.concurrent('A lease', () => {
    it('that expires ends the stream, once, and its worker is rejected', async ({ expect }) => {
      const stream = newStream();
      const startedAt = performance.now();
      await manager().appendEvents(stream, answers(1), { leaseMs });
      await isLost(manager(), stream);
      const tookMs = performance.now() - startedAt;
      expect(tookMs).toBeGreaterThanOrEqual(leaseMs);
      const { events } = await manager().getEvents(stream, 0, 10);
      expect(events).toHaveLength(2);
      expect(JSON.parse(String(events[1]?.bytes))).toMatchObject({
        type: 'error',
        done: true,
        data: { code: 'producer_lost' },
      });
      await expect(manager().appendEvents(stream, answers(1))).rejects.toMatchObject({
        code: 'stream_ended',
        details: { stored: 0, streamStatus: 'failed' },
      });
      await manager().appendEvents(stream, [title()]);
    });

    it.each([
      ['an append', (stream: StreamId) => manager().appendEvents(stream, answers(1), { leaseMs })],
      [
        'an append that says nothing of it',
        (stream: StreamId) => manager().appendEvents(stream, answers(1)),
      ],
      [
        'an append that is stored already',
        (stream: StreamId) => manager().appendEvents(stream, answers(1), { producer: producer(0) }),
      ],
      ['renewLease', (stream: StreamId) => manager().renewLease(stream, { leaseMs })],
    ])('is renewed by %s', async (_name, renew) => {
      const stream = await unlessStalled(leaseMs / 2, async () => {
        const leased = newStream();
        await manager().appendEvents(leased, answers(1), { leaseMs, producer: producer(0) });
        await outlives(manager(), () => renew(leased));
        return leased;
      });
      await isLost(manager(), stream);
    });

    it('is not renewed by rejected appends, nor by a repeat of another producer', async ({
      expect,
    }) => {
      const stream = newStream();
      await manager().appendEvents(stream, answers(2), { producer: producer(0, 1), leaseMs });
      const rejected = { fenced: producer(0, 0), gap: producer(5, 1) };
      await waitFor('it is lost', async () => {
        for (const stamp of Object.values(rejected)) {
          const options = { producer: stamp, leaseMs: 60_000 };
          await expect(manager().appendEvents(stream, answers(1), options)).rejects.toMatchObject({
            name: 'ServiceError',
          });
        }
        const renewal = { leaseMs: 60_000, producer: { id: 'w', epoch: 0 } };
        await expect(manager().renewLease(stream, renewal)).rejects.toMatchObject({
          code: 'producer_fenced',
        });
        return (await manager().getStatus(stream))?.status === 'failed';
      });
    });

    it('has the length that was given last, be it longer or shorter', async ({ expect }) => {
      const [shortened, prolonged] = [newStream(), newStream()];
      await manager().appendEvents(shortened, answers(1), { leaseMs: 3_600_000 });
      await manager().appendEvents(prolonged, answers(1), { leaseMs });
      await manager().renewLease(prolonged, { leaseMs: 3_600_000 });
      await manager().renewLease(shortened, { leaseMs });
      await isLost(manager(), shortened);
      expect(await manager().getStatus(prolonged)).toMatchObject({ status: 'open', nextOffset: 1 });
    });

    it('begins with renewLease for a stream that had none', async ({ expect }) => {
      const stream = newStream();
      expect(await manager().renewLease(stream, { leaseMs })).toBeNull();
      await manager().appendEvents(stream, answers(1));
      const renewal = { leaseMs, producer: { id: 'w', epoch: 0 } };
      expect(await manager().renewLease(stream, renewal)).toMatchObject({ status: 'open' });
      await isLost(manager(), stream);
    });

    it('ends with its stream: neither a late title nor renewLease restores it', async ({
      expect,
    }) => {
      const stream = newStream();
      await manager().appendEvents(stream, [...answers(1), complete()], { leaseMs });
      await manager().appendEvents(stream, [title()], { leaseMs });
      await manager().renewLease(stream, { leaseMs });
      await outlives(manager(), async () => {});
      expect(await manager().getStatus(stream)).toMatchObject({
        status: 'complete',
        nextOffset: 3,
      });
    });

    it('ends a stream that is full', async ({ expect }) => {
      const limited = await manager.with({ limits: { maxStreamEvents: 1 } });
      const stream = newStream();
      await limited.appendEvents(stream, answers(1), { leaseMs });
      await isLost(limited, stream);
      expect((await limited.getEvents(stream, 0, 10)).events).toHaveLength(2);
    });

    it('notifies the watchers of the stream when it expires', async () => {
      const stream = newStream();
      await manager().appendEvents(stream, answers(1), { leaseMs });
      let sawIt = false;
      const unwatch = manager().watch(stream, async () => {
        sawIt ||= (await manager().getStatus(stream))?.status === 'failed';
      });
      await waitFor('the notification', () => sawIt);
      unwatch();
    });

    it('ends only its own stream among many', async ({ expect }) => {
      const streams = Array.from({ length: 250 }, newStream);
      const isDead = (_: unknown, index: number) => index % 2 === 0;
      const append = (stream: StreamId, index: number) =>
        manager().appendEvents(stream, answers(1), {
          leaseMs: isDead(stream, index) ? leaseMs : 3_600_000,
        });
      await Promise.all(streams.map(append));
      for (const stream of streams.filter(isDead)) await isLost(manager(), stream);
      const statuses = await Promise.all(streams.map((stream) => manager().getStatus(stream)));
      const told = statuses.map((status) => [status?.status, status?.nextOffset]);
      const expected = streams.map((_, index) => (isDead(_, index) ? ['failed', 2] : ['open', 1]));
      expect(told).toEqual(expected);
    });
  });
}

async function isLost(manager: StreamManager, stream: StreamId): Promise<void> {
  await waitFor(
    'the stream is lost',
    async () => (await manager.getStatus(stream))?.status === 'failed',
  );
}

/** Renews the leases until two streams, leased one after the other, have been lost. */
async function outlives(manager: StreamManager, sign: () => Promise<unknown>): Promise<void> {
  for (const other of [newStream(), newStream()]) {
    await manager.appendEvents(other, answers(1), { leaseMs });
    await waitFor('the other is lost', async () => {
      await sign();
      await sleep(100);
      return (await manager.getStatus(other))?.status === 'failed';
    });
  }
}

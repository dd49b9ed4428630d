import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'vitest';
import type { StreamId, StreamInfo, StreamManager } from '../../src/store/stream-manager.js';
import { answers, complete, newStream } from '../support/events.js';
import { producer } from '../support/producers.js';
import { unlessStalled } from '../support/unless-stalled.js';
import { waitFor } from '../support/wait-for.js';
import type { ManagerSource } from './manager-source.js';

const ttlMs = 2000;
const leaseMs = 3000;

/** The time of a script and of an expiry that it sets may differ by a pause of Redis between them. */
const roundedMs = 400;

/** In which an expiry that is renewed, though it should not be, moves by more than that. */
const laterMs = 2 * roundedMs;

/** They mostly wait for streams to expire: so all at once. */
export function timeToLiveContract(manager: ManagerSource): void {
  describe.concurrent('The time to live of a stream', () => {
    it.each([
      [
        'an append that is stored already',
        (store: StreamManager, stream: StreamId) =>
          store.appendEvents(stream, answers(1), { producer: producer(0) }),
      ],
      [
        'renewLease',
        (store: StreamManager, stream: StreamId) => store.renewLease(stream, { leaseMs }),
      ],
    ])('is renewed by %s', async (_name, heartbeat) => {
      const brief = await manager.with({ ttlMs });
      await unlessStalled(ttlMs / 2, async () => {
        const stream = newStream();
        await brief.appendEvents(stream, answers(1), { producer: producer(0) });
        await outlives(brief, stream, () => heartbeat(brief, stream));
      });
    });

    it('is longer than a lease, so that readers see the end of a stream without heartbeats', async ({
      expect,
    }) => {
      const brief = await manager.with({ ttlMs });
      await unlessStalled(ttlMs / 2, async () => {
        const stream = newStream();
        await brief.appendEvents(stream, answers(1), { leaseMs });
        await waitFor('it has failed', async () => {
          const info = await brief.getStatus(stream);
          expect(info).not.toBeNull();
          return info?.status === 'failed';
        });
        await waitFor('it has expired', async () => (await brief.getStatus(stream)) === null);
      });
    });

    it('shows in expiresAt, which heartbeats move later and never sooner', async ({ expect }) => {
      const stream = newStream();
      await manager().appendEvents(stream, answers(1));
      const first = (await manager().getStatus(stream)) as StreamInfo;
      await laterThan(first);
      const renewed = (await manager().renewLease(stream, { leaseMs: 3_600_000 })) as StreamInfo;
      expect(lifeOf(renewed) - lifeOf(first)).toBeGreaterThan(3_000_000);
      const shorter = (await manager().renewLease(stream, { leaseMs })) as StreamInfo;
      expect(lifeOf(shorter)).toBeGreaterThan(lifeOf(renewed) - roundedMs);
    });

    it('is not renewed once the stream has ended', async ({ expect }) => {
      const stream = newStream();
      const end = [...answers(1), complete()];
      await manager().appendEvents(stream, end, { producer: producer(0), leaseMs });
      const ended = (await manager().getStatus(stream)) as StreamInfo;
      await laterThan(ended);
      await manager().renewLease(stream, { leaseMs: 3_600_000 });
      await manager().appendEvents(stream, end, { producer: producer(0) });
      const then = (await manager().getStatus(stream)) as StreamInfo;
      expect(Math.abs(lifeOf(then) - lifeOf(ended))).toBeLessThan(roundedMs);
    });

    it('is not renewed beyond the maximum by heartbeats alone', async ({ expect }) => {
      const aged = await manager.with({ ttlMs, maxAgeMs: 2 * ttlMs });
      await unlessStalled(ttlMs / 2, async () => {
        const stream = newStream();
        await aged.appendEvents(stream, answers(1));
        const lives: number[] = [];
        await waitFor('it has expired', async () => {
          const info = await aged.renewLease(stream, { leaseMs });
          if (info !== null) lives.push(lifeOf(info));
          return info === null;
        });
        expect(Math.abs((lives.at(-1) as number) - 2 * ttlMs)).toBeLessThan(roundedMs);
      });
    });

    it('is renewed by each append, however old the stream is', async ({ expect }) => {
      const aged = await manager.with({ ttlMs: 60_000, maxAgeMs: 1 });
      const stream = newStream();
      await aged.appendEvents(stream, answers(1));
      await laterThan((await aged.getStatus(stream)) as StreamInfo);
      await aged.appendEvents(stream, answers(1));
      const info = (await aged.getStatus(stream)) as StreamInfo;
      const ahead = (info.expiresAt as number) - info.updatedAt;
      expect(Math.abs(ahead - 60_000)).toBeLessThan(1000);
    });

    it('is set by the append that begins the stream, and applies to all that follow', async ({
      expect,
    }) => {
      const stream = newStream();
      await manager().appendEvents(stream, answers(1), { ttlMs: 60_000 });
      await manager().appendEvents(stream, answers(1), { ttlMs: 90_000 });
      await manager().appendEvents(stream, answers(1));
      const info = (await manager().getStatus(stream)) as StreamInfo;
      expect(info.ttlMs).toBe(60_000);
      expect(Math.abs((info.expiresAt as number) - info.updatedAt - 60_000)).toBeLessThan(1000);
      const [, listed] = await Promise.all([
        manager().appendEvents(newStream(), answers(1)),
        manager().listStreams(stream.sessionId),
      ]);
      expect(listed.find(({ messageId }) => messageId === stream.messageId)?.info.ttlMs).toBe(
        60_000,
      );
    });

    it('is that of the store by default', async ({ expect }) => {
      const stream = newStream();
      await manager().appendEvents(stream, answers(1));
      expect(await manager().getStatus(stream)).toMatchObject({ ttlMs: 3_600_000 });
    });

    it('is set again for a stream that was deleted and begins again', async ({ expect }) => {
      const stream = newStream();
      const options = { producer: producer(0, 1), ttlMs: 60_000 };
      await manager().appendEvents(stream, answers(1), options);
      await manager().deleteStream(stream);
      await manager().appendEvents(stream, answers(1), { producer: producer(0, 2), ttlMs: 90_000 });
      expect(await manager().getStatus(stream)).toMatchObject({ ttlMs: 90_000 });
    });

    it('applies to each stream separately: one expires while others stay', async ({ expect }) => {
      const [brief, usual, long] = [newStream(), newStream(), newStream()];
      await manager().appendEvents(long, answers(1), { ttlMs: 7_200_000 });
      await manager().appendEvents(usual, answers(1));
      await manager().appendEvents(brief, answers(1), { ttlMs: 300 });
      await waitFor('one expires', async () => (await manager().getStatus(brief)) === null);
      for (const stream of [usual, long]) {
        expect(await manager().getStatus(stream)).toMatchObject({ nextOffset: 1 });
      }
    });

    it('keeps a stream in the list of its session, however short that of others is', async ({
      expect,
    }) => {
      const brief = await manager.with({ ttlMs: 200 });
      const { sessionId } = newStream();
      const of = (messageId: string) => ({ sessionId: `${sessionId}-listed`, messageId });
      await brief.appendEvents(of('long'), answers(1), { ttlMs: 60_000 });
      for (const other of ['a', 'b', 'c']) {
        await brief.appendEvents(of(other), answers(1));
        await waitFor('it expires', async () => (await brief.getStatus(of(other))) === null);
      }
      const listed = await brief.listStreams(of('').sessionId);
      expect(listed.map(({ messageId }) => messageId)).toEqual(['long']);
    });
  });
}

/** Sends heartbeats until two streams, begun one after the other, have expired. */
async function outlives(
  store: StreamManager,
  stream: StreamId,
  heartbeat: () => Promise<unknown>,
): Promise<void> {
  for (const other of [newStream(), newStream()]) {
    await store.appendEvents(other, answers(1));
    await waitFor('the other has expired', async () => {
      await heartbeat();
      await sleep(20);
      if ((await store.getStatus(stream))?.nextOffset !== 1) throw new Error('the stream is gone');
      return (await store.getStatus(other)) === null;
    });
  }
}

/** From its first event to its expiry. */
function lifeOf({ createdAt, expiresAt }: StreamInfo): number {
  return (expiresAt as number) - createdAt;
}

async function laterThan({ updatedAt }: StreamInfo): Promise<void> {
  await waitFor('some time has passed', () => Date.now() > updatedAt + laterMs);
}

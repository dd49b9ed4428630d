import { describe, expect, it } from 'vitest';
import { exemptTerminalBytes } from '../../src/store/append-rules.js';
import type { StreamId } from '../../src/store/stream-manager.js';
import { answers, complete, eventOfBytes, newStream, stored, title } from '../support/events.js';
import { succeeds, waitFor } from '../support/wait-for.js';
import type { ManagerSource } from './manager-source.js';

/** The streams of a session of its own. */
function newSession(): (messageId: string) => StreamId {
  const { sessionId, messageId } = newStream();
  return (name) => ({ sessionId: `${sessionId}-${messageId}-full`, messageId: name });
}

export function lifecycleContract(manager: ManagerSource): void {
  describe('The streams of a session', () => {
    const full = { code: 'session_full', details: { stored: 0 } };

    it('are limited in number, and existing streams are not affected', async () => {
      const small = await manager.with({ limits: { maxSessionStreams: 2 } });
      const [of, ofAnother] = [newSession(), newSession()];
      await small.appendEvents(of('a'), answers(1));
      await small.appendEvents(of('b'), [complete()]);
      await expect(small.appendEvents(of('c'), answers(1))).rejects.toMatchObject(full);
      await expect(small.appendEvents(of('c'), [complete()])).rejects.toMatchObject(full);
      expect(await small.getStatus(of('c'))).toBeNull();
      await small.appendEvents(of('a'), answers(1));
      await small.appendEvents(ofAnother('c'), answers(1));
    });

    it('make room for another when one is deleted', async () => {
      const small = await manager.with({ limits: { maxSessionStreams: 1 } });
      const of = newSession();
      await small.appendEvents(of('a'), answers(1));
      await expect(small.appendEvents(of('b'), answers(1))).rejects.toMatchObject(full);
      await small.deleteStream(of('a'));
      await small.appendEvents(of('b'), answers(1));
    });

    it('make room for another when one has expired', async () => {
      const small = await manager.with({ limits: { maxSessionStreams: 1 }, ttlMs: 2000 });
      const of = newSession();
      await small.appendEvents(of('a'), answers(1));
      await waitFor('there is room', () => succeeds(small.appendEvents(of('b'), answers(1))));
      expect(await small.getStatus(of('a'))).toBeNull();
    });

    it('are limited also when their appends arrive together', async () => {
      const small = await manager.with({ limits: { maxSessionStreams: 5 } });
      const of = newSession();
      const appends = Array.from({ length: 20 }, (_, index) =>
        small.appendEvents(of(`m${index}`), answers(1)),
      );
      const settled = await Promise.allSettled(appends);
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
      expect(await small.listStreams(of('').sessionId)).toHaveLength(5);
    });
  });

  describe('The lifecycle of a stream', () => {
    const endings = [
      [{ type: 'complete' }, 'complete'],
      [{ type: 'stop' }, 'stopped'],
      [{ type: 'error', done: true }, 'failed'],
    ] as const;

    it.each(endings)('ends with %j, as %s, and nothing may follow', async (event, status) => {
      const stream = newStream();
      await manager().appendEvents(stream, [...answers(2), ...stored(event)]);
      const info = await manager().getStatus(stream);
      expect(info).toMatchObject({ status, nextOffset: 3, endedOffset: 3 });
      expect(info?.endedForMs).toBeGreaterThanOrEqual(0);
      await expect(manager().appendEvents(stream, answers(1))).rejects.toMatchObject({
        code: 'stream_ended',
        details: { stored: 0, streamStatus: status },
      });
      await expect(manager().appendEvents(stream, [complete()])).rejects.toMatchObject({
        code: 'stream_ended',
      });
      expect((await manager().getEvents(stream, 0, 10)).events).toHaveLength(3);
    });

    it.each([{ type: 'error' }, { type: 'answer', done: true }])(
      'goes on after %j',
      async (event) => {
        const stream = newStream();
        await manager().appendEvents(stream, stored(event));
        expect(await manager().getStatus(stream)).toMatchObject({
          status: 'open',
          endedForMs: null,
          endedOffset: null,
        });
        await manager().appendEvents(stream, answers(1));
      },
    );

    it('accepts a session title after the end, alone or in the same batch', async () => {
      const stream = newStream();
      await manager().appendEvents(stream, [complete(), title()]);
      expect(await manager().appendEvents(stream, [title()])).toMatchObject({
        offset: 2,
        nextOffset: 3,
      });
      await expect(manager().appendEvents(stream, [title(), ...answers(1)])).rejects.toMatchObject({
        code: 'stream_ended',
      });
      expect(await manager().getStatus(stream)).toMatchObject({
        status: 'complete',
        nextOffset: 3,
      });
    });

    it('rejects as a whole a batch in which an event follows a terminal one', async () => {
      const stream = newStream();
      await expect(
        manager().appendEvents(stream, [...answers(1), complete(), ...answers(1)]),
      ).rejects.toMatchObject({ code: 'stream_ended', details: { stored: 0 } });
      expect(await manager().getStatus(stream)).toBeNull();
    });

    it('shows in its status when it was created, changed, and will expire', async () => {
      const stream = newStream();
      await manager().appendEvents(stream, answers(1));
      const first = await manager().getStatus(stream);
      await manager().appendEvents(stream, answers(1));
      const second = await manager().getStatus(stream);
      expect(second?.createdAt).toBe(first?.createdAt);
      expect(second?.updatedAt).toBeGreaterThanOrEqual(first?.updatedAt as number);
      expect(Math.abs((first?.createdAt as number) - Date.now())).toBeLessThan(60_000);
      const ttl = (second?.expiresAt as number) - (second?.updatedAt as number);
      expect(Math.abs(ttl - 3_600_000)).toBeLessThan(60_000);
      expect(second?.lastEvent?.type).toBe('answer');
    });
  });

  describe('The limits of a stream', () => {
    it('reject events over the maximum number, and still accept the end', async () => {
      const limited = await manager.with({ limits: { maxStreamEvents: 3 } });
      const stream = newStream();
      await limited.appendEvents(stream, answers(2));
      const full = { code: 'stream_full', details: { stored: 0 } };
      await expect(limited.appendEvents(stream, answers(2))).rejects.toMatchObject(full);
      await limited.appendEvents(stream, answers(1));
      await expect(limited.appendEvents(stream, answers(1))).rejects.toMatchObject(full);
      await expect(limited.appendEvents(stream, [...answers(1), complete()])).rejects.toMatchObject(
        full,
      );
      expect(await limited.appendEvents(stream, [complete()])).toMatchObject({
        offset: 3,
        nextOffset: 4,
      });
    });

    it('reject events over the maximum size, and still accept a small end', async () => {
      const limited = await manager.with({ limits: { maxStreamBytes: 50_000 } });
      const stream = newStream();
      await limited.appendEvents(stream, [eventOfBytes(30_000), eventOfBytes(20_000)]);
      const full = { code: 'stream_full' };
      await expect(limited.appendEvents(stream, [eventOfBytes(200)])).rejects.toMatchObject(full);
      const largeEnd = eventOfBytes(exemptTerminalBytes + 1, 'complete');
      await expect(limited.appendEvents(stream, [largeEnd])).rejects.toMatchObject(full);
      await limited.appendEvents(stream, [eventOfBytes(exemptTerminalBytes, 'complete')]);
      expect(await limited.getStatus(stream)).toMatchObject({ status: 'complete' });
    });

    it('expire it as a whole a time to live after its last append', async () => {
      const brief = await manager.with({ ttlMs: 2000 });
      const stream = newStream();
      await brief.appendEvents(stream, answers(1));
      const before = await brief.getStatus(stream);
      await brief.appendEvents(stream, answers(1));
      const after = await brief.getStatus(stream);
      // A millisecond less may come of two clocks being rounded.
      expect(after?.expiresAt).toBeGreaterThanOrEqual((before?.expiresAt as number) - 1);
      await waitFor('it has expired', async () => (await brief.getStatus(stream)) === null);
      expect((await brief.getEvents(stream, 0, 10)).events).toEqual([]);
      expect(await brief.appendEvents(stream, answers(1))).toMatchObject({
        offset: 0,
        nextOffset: 1,
      });
    });
  });
}

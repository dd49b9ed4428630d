import { describe, expect, it } from 'vitest';
import { answers, complete, newStream, title } from '../support/events.js';
import { waitFor } from '../support/wait-for.js';
import type { ManagerSource } from './manager-source.js';

const deleted = { code: 'stream_ended', details: { stored: 0, streamStatus: 'deleted' } };

/** A session of its own, since a session's streams are what is looked at. */
function newSession() {
  const { sessionId, messageId } = newStream();
  const id = `${sessionId}-${messageId}-session`;
  return (message: string) => ({ sessionId: id, messageId: message });
}

export function deleteAndListContract(manager: ManagerSource): void {
  describe('findOpenStream', () => {
    it('returns the newest unfinished stream of a session, also behind many finished ones', async () => {
      const stream = newSession();
      const { sessionId } = stream('m');
      expect(await manager().findOpenStream(sessionId)).toBeNull();
      await manager().appendEvents(stream('old'), answers(1));
      for (let index = 0; index < 60; index += 1) {
        await manager().appendEvents(stream(`ended${index}`), [complete()]);
      }
      expect(await manager().findOpenStream(sessionId)).toBe('old');
      await waitFor('another millisecond', async () => {
        const { createdAt } = (await manager().getStatus(stream('ended59'))) ?? { createdAt: 0 };
        return Date.now() > createdAt + 1;
      });
      await manager().appendEvents(stream('new'), answers(1));
      await manager().appendEvents(stream('old'), answers(1)); // newer by its last event alone
      expect(await manager().findOpenStream(sessionId)).toBe('new');
      await manager().appendEvents(stream('new'), [complete()]);
      await manager().deleteStream(stream('old'));
      expect(await manager().findOpenStream(sessionId)).toBeNull();
    });
  });

  describe('deleteStream', () => {
    it('deletes a stream at once, and notifies its watchers', async () => {
      const stream = newStream();
      await manager().appendEvents(stream, answers(2));
      let notifications = 0;
      const unwatch = manager().watch(stream, () => {
        notifications += 1;
      });
      await manager().getStatus(stream);
      const before = notifications;
      await manager().deleteStream(stream);
      expect(await manager().getStatus(stream)).toBeNull();
      expect((await manager().getEvents(stream, 0, 10)).events).toEqual([]);
      expect(await manager().wasDeleted(stream)).toBe(true);
      await waitFor('the notification', () => notifications > before);
      unwatch();
    });

    it('rejects every append to the deleted stream', async () => {
      const stream = newStream();
      await manager().appendEvents(stream, [...answers(1), complete()]);
      await manager().deleteStream(stream);
      for (const events of [answers(1), [title()], [complete()]]) {
        await expect(manager().appendEvents(stream, events)).rejects.toMatchObject(deleted);
      }
      expect(await manager().getStatus(stream)).toBeNull();
    });

    it('lets a known producer begin the stream again with a higher epoch', async () => {
      const stream = newStream();
      const as = (epoch: number, seq = 0, id = 'w') => ({ producer: { id, epoch, seq } });
      await manager().appendEvents(stream, answers(3), as(1));
      await manager().deleteStream(stream);
      for (const options of [as(1), as(1, 3), as(2, 0, 'other')]) {
        await expect(manager().appendEvents(stream, answers(1), options)).rejects.toMatchObject(
          deleted,
        );
      }
      await expect(manager().appendEvents(stream, answers(1), as(0))).rejects.toMatchObject({
        code: 'producer_fenced',
      });
      expect(await manager().appendEvents(stream, answers(1), as(2))).toMatchObject({ offset: 0 });
      expect(await manager().appendEvents(stream, answers(1))).toMatchObject({ offset: 1 });
      expect(await manager().wasDeleted(stream)).toBe(false);
    });

    it('leaves the stream deleted after a rejected attempt to begin it again', async () => {
      const stream = newStream();
      const as = (epoch: number, seq = 0) => ({ producer: { id: 'w', epoch, seq } });
      await manager().appendEvents(stream, answers(1), as(5));
      await manager().deleteStream(stream);
      await expect(manager().appendEvents(stream, answers(1), as(6, 7))).rejects.toMatchObject({
        code: 'producer_gap',
      });
      expect(await manager().wasDeleted(stream)).toBe(true);
      await expect(manager().appendEvents(stream, answers(1), as(3))).rejects.toMatchObject({
        code: 'producer_fenced',
      });
      await expect(manager().appendEvents(stream, answers(1))).rejects.toMatchObject(deleted);
    });

    it('fences all earlier producers in the stream that begins again', async () => {
      const stream = newStream();
      const as = (id: string, epoch: number, seq = 0) => ({ producer: { id, epoch, seq } });
      await manager().appendEvents(stream, answers(1), as('a', 0));
      await manager().appendEvents(stream, answers(1), as('b', 5));
      await manager().deleteStream(stream);
      await manager().appendEvents(stream, answers(1), as('a', 1));
      for (const options of [as('b', 5), as('b', 5, 1), as('b', 3), as('a', 0)]) {
        await expect(manager().appendEvents(stream, answers(1), options)).rejects.toMatchObject({
          code: 'producer_fenced',
        });
      }
      expect(await manager().appendEvents(stream, answers(1), as('b', 6))).toMatchObject({
        offset: 1,
      });
      expect(await manager().appendEvents(stream, answers(1), as('a', 1))).toMatchObject({
        count: 0,
      });
    });

    it('leaves no lease to expire', async () => {
      const stream = newStream();
      await manager().appendEvents(stream, answers(1), { leaseMs: 100 });
      await manager().deleteStream(stream);
      await new Promise((resolve) => setTimeout(resolve, 2500)); // longer than two looks
      expect(await manager().getStatus(stream)).toBeNull();
    });

    it('is no error where there is no stream, and leaves nothing there', async () => {
      const stream = newStream();
      await manager().deleteStream(stream);
      expect(await manager().wasDeleted(stream)).toBe(false);
      await manager().appendEvents(stream, answers(1));
    });
  });

  describe('listStreams', () => {
    it('returns the streams of the session, newest first, without those that are gone', async () => {
      const stream = newSession();
      for (const message of ['m1', 'm2', 'm3']) {
        await manager().appendEvents(stream(message), answers(1));
        await new Promise((resolve) => setTimeout(resolve, 5)); // another millisecond
      }
      await manager().appendEvents(stream('m1'), answers(1)); // changed last, but not newest
      const listed = async () =>
        (await manager().listStreams(stream('').sessionId)).map(({ messageId }) => messageId);
      expect(await listed()).toEqual(['m3', 'm2', 'm1']);
      await manager().deleteStream(stream('m2'));
      expect(await listed()).toEqual(['m3', 'm1']);
    });

    it('returns the status of each', async () => {
      const stream = newSession();
      await manager().appendEvents(stream('m1'), [...answers(1), complete()]);
      const [one] = await manager().listStreams(stream('').sessionId);
      expect(one?.info).toMatchObject({ status: 'complete', nextOffset: 2 });
    });

    it('returns nothing for a session without streams', async () => {
      expect(await manager().listStreams(newSession()('').sessionId)).toEqual([]);
    });
  });
}

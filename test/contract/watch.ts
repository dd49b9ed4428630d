import { describe, expect, it } from 'vitest';
import { answers, newStream } from '../support/events.js';
import { waitFor } from '../support/wait-for.js';
import type { ManagerSource } from './manager-source.js';

/** @param isCertain whether no notification of this store is ever lost */
export function watchContract(manager: ManagerSource, isCertain: boolean): void {
  describe('watch', () => {
    it('notifies every watcher of the stream after an append, and no other', async () => {
      const [stream, other] = [newStream(), newStream()];
      const notifications = [0, 0, 0];
      const unwatch = [stream, stream, other].map((watched, index) =>
        manager().watch(watched, () => {
          notifications[index] = (notifications[index] as number) + 1;
        }),
      );
      await settled(notifications, isCertain);
      const otherBefore = notifications[2];
      const before = [...notifications];
      await manager().appendEvents(stream, answers(1));
      await waitFor('both are notified', () =>
        notifications.slice(0, 2).every((n, i) => n > (before[i] as number)),
      );
      expect(notifications[2]).toBe(otherBefore);
      for (const end of unwatch) end();
    });

    it('notifies of an append and of a deletion, before they return where that is reliable', async () => {
      const own = await manager.with({});
      expect(own.notifiesReliably).toBe(isCertain);
      const stream = newStream();
      const notifications = [0];
      own.watch(stream, () => {
        notifications[0] = (notifications[0] as number) + 1;
      });
      const wakesOnce = async (change: () => Promise<unknown>) => {
        await settled(notifications, isCertain);
        const before = notifications[0] as number;
        await change();
        if (!isCertain) await waitFor('it is notified', () => notifications[0] !== before);
        expect(notifications[0]).toBe(before + 1);
      };
      await wakesOnce(() => own.appendEvents(stream, answers(1)));
      await wakesOnce(() => own.deleteStream(stream));
      const after = notifications[0];
      await own.appendEvents(newStream(), answers(1));
      await settled(notifications, isCertain);
      expect(notifications[0]).toBe(after);
    });

    it('notifies of an expiry where that is reliable; otherwise a read finds the stream gone', async () => {
      const own = await manager.with({ ttlMs: 2000 });
      const stream = newStream();
      await own.appendEvents(stream, answers(1));
      const isThere: boolean[] = [];
      const look = async () => isThere.push((await own.getStatus(stream)) !== null);
      own.watch(stream, () => void look());
      await waitFor('it has expired', async () => {
        if (!isCertain) await look(); // nobody looks for the other kind: a look would wake it
        return isThere.includes(false);
      });
      expect(isThere.at(-1)).toBe(false);
      if (isCertain) expect(isThere).toEqual([false]);
    });

    it('can be ended, twice even, and leaves nothing behind', async () => {
      const own = await manager.with({});
      const stream = newStream();
      const ends = [own.watch(stream, () => {}), own.watch(stream, () => {})];
      expect(own.watchedStreams).toBe(1);
      for (const end of [...ends, ...ends]) end();
      expect(own.watchedStreams).toBe(0);
      await own.appendEvents(stream, answers(1));
    });

    it('notifies when the append can already be read', async () => {
      const stream = newStream();
      const seen: number[] = [];
      const unwatch = manager().watch(stream, () => {
        void manager()
          .getEvents(stream, 0, 1000)
          .then(({ nextOffset }) => seen.push(nextOffset));
      });
      for (let count = 1; count <= 20; count += 1) await manager().appendEvents(stream, answers(1));
      await waitFor('the last is seen', () => seen.includes(20));
      unwatch();
    });
  });

  describe('The connection to the store', () => {
    it('responds to a ping', async () => {
      await expect(manager().ping()).resolves.toBeUndefined();
    });

    it('can be closed twice', async () => {
      const own = await manager.with({});
      await own.close();
      await own.close();
    });
  });
}

/** Where a notification may be lost, a new watch is notified once for what came before it. */
async function settled(notifications: readonly number[], isCertain: boolean): Promise<void> {
  if (!isCertain)
    await waitFor('each watch stands', () => notifications.every((count) => count > 0));
  let last = '';
  await waitFor('the notifications of the beginning are over', async () => {
    const now = notifications.join();
    const isSame = now === last;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return isSame;
  });
}

import { describe, expect, it } from 'vitest';
import { answers, newStream } from '../support/events.js';
import { waitFor } from '../support/wait-for.js';
import type { ManagerSource } from './stream-manager-contract.js';

export function watchContract(manager: ManagerSource): void {
  describe('watching', () => {
    it('wakes every watcher of the stream after an append, and no other', async () => {
      const [stream, other] = [newStream(), newStream()];
      const wakes = [0, 0, 0];
      const unwatch = [stream, stream, other].map((watched, index) =>
        manager().watch(watched, () => {
          wakes[index] = (wakes[index] as number) + 1;
        }),
      );
      await settled(wakes);
      const otherBefore = wakes[2];
      const before = [...wakes];
      await manager().appendEvents(stream, answers(1));
      await waitFor('both are woken', () =>
        wakes.slice(0, 2).every((n, i) => n > (before[i] as number)),
      );
      expect(wakes[2]).toBe(otherBefore);
      for (const end of unwatch) end();
    });

    it('wakes before the call returns that made the change, where it wakes for certain', async () => {
      const own = await manager.with({ ttlMs: 2000 });
      if (!own.wakesForCertain) return;
      const stream = newStream();
      let wakes = 0;
      own.watch(stream, () => {
        wakes += 1;
      });
      await own.appendEvents(stream, answers(1));
      expect(wakes).toBe(1);
      await own.deleteStream(stream);
      expect(wakes).toBe(2);
      await own.appendEvents(newStream(), answers(1));
      expect(wakes).toBe(2);
      const expiring = newStream();
      const stillThere: boolean[] = [];
      await own.appendEvents(expiring, answers(1));
      own.watch(expiring, () => {
        void own.getStatus(expiring).then((info) => stillThere.push(info !== null));
      });
      await waitFor('it has expired, and nobody has asked', () => stillThere.length > 0);
      expect(stillThere).toEqual([false]);
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

    it('sees, when woken, what was appended', async () => {
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

  describe('the store', () => {
    it('answers a ping', async () => {
      await expect(manager().ping()).resolves.toBeUndefined();
    });

    it('can be closed twice', async () => {
      const own = await manager.with({});
      await own.close();
      await own.close();
    });
  });
}

/** A new watch may be woken once for what came before it. */
async function settled(wakes: readonly number[]): Promise<void> {
  let last = '';
  await waitFor('the wake-ups of the beginning are over', async () => {
    const now = wakes.join();
    const isSame = now === last;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return isSame;
  });
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Expiring, ExpiryQueue } from '../../src/store/memory/expiry-queue.js';

interface Item extends Expiring {
  expiresAt: number;
}

/** A time that the queue's own timer does not reach. */
const far = Date.now() + 1e9;

const step = fc.oneof(
  fc.record({ item: fc.nat(19), expiresAt: fc.nat(50) }),
  fc.record({ item: fc.nat(19), expiresAt: fc.constant(null) }),
  fc.record({ now: fc.nat(50) }),
);

describe('ExpiryQueue', () => {
  it('expires each item in its time and no other, whatever is updated and removed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const gone: Item[] = [];
        const queue = new ExpiryQueue<Item>((item) => gone.push(item));
        const items = Array.from({ length: 20 }, () => ({ expiresAt: 0, place: -1, dueAt: 0 }));
        const kept = new Set<Item>();
        for (const each of steps) {
          if ('now' in each) {
            queue.expire(far + each.now);
            const expected = [...kept].filter(({ expiresAt }) => expiresAt <= far + each.now);
            expect(new Set(gone.splice(0))).toEqual(new Set(expected));
            for (const item of expected) kept.delete(item);
          } else {
            const item = items[each.item] as Item;
            if (each.expiresAt === null) {
              queue.remove(item);
              kept.delete(item);
            } else {
              item.expiresAt = far + each.expiresAt;
              queue.update(item);
              kept.add(item);
            }
          }
        }
        queue.clear();
      }),
    );
  });

  it('expires items in the order of expiry, also those that were given less or more time', () => {
    const gone: Item[] = [];
    const queue = new ExpiryQueue<Item>((item) => gone.push(item));
    const items = [30, 10, 20].map((ms) => ({ expiresAt: far + ms, place: -1, dueAt: 0 }));
    const [one, two, three] = items as [Item, Item, Item];
    for (const item of items) queue.update(item);
    one.expiresAt = far + 5;
    queue.update(one);
    two.expiresAt = far + 40;
    queue.update(two);
    queue.expire(far + 39);
    expect(gone).toEqual([one, three]);
    queue.expire(far + 40);
    expect(gone).toEqual([one, three, two]);
    queue.clear();
  });

  it('expires 5,000 items of one time in several turns of the event loop', () => {
    const gone: Item[] = [];
    const queue = new ExpiryQueue<Item>((item) => gone.push(item));
    for (let count = 0; count < 5000; count += 1) {
      queue.update({ expiresAt: far, place: -1, dueAt: 0 });
    }
    const turns: number[] = [];
    for (let isMore = true; isMore; turns.push(gone.splice(0).length)) isMore = queue.expire(far);
    expect(Math.max(...turns)).toBe(1000);
    expect(turns.reduce((sum, count) => sum + count)).toBe(5000);
    queue.clear();
  });
});

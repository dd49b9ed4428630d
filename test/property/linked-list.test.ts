import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Linked, LinkedList } from '../../src/linked-list.js';

class Item implements Linked<Item> {
  previous: Item | null = null;
  next: Item | null = null;
}

const itemCount = 6;

const operations = fc.array(
  fc.record({
    what: fc.constantFrom('push', 'push', 'push', 'remove', 'shift', 'clear'),
    index: fc.nat(itemCount - 1),
  }),
  { maxLength: 60 },
);

/** Both ways, so that neither chain may be broken. */
function contentsOf(list: LinkedList<Item>): Item[] {
  const found: Item[] = [];
  for (let item = list.first; item !== null; item = item.next) {
    expect(item.previous).toBe(found.at(-1) ?? null);
    found.push(item);
  }
  return found;
}

describe('LinkedList', () => {
  it('A linked list holds what an array would, and an item that has left it leads nowhere', () => {
    fc.assert(
      fc.property(operations, (steps) => {
        const items = Array.from({ length: itemCount }, () => new Item());
        const list = new LinkedList<Item>();
        let model: Item[] = [];
        for (const { what, index } of steps) {
          const item = items[index] as Item;
          if (what === 'push' && !model.includes(item)) {
            list.push(item);
            model.push(item);
          } else if (what === 'remove') {
            list.remove(item);
            model = model.filter((other) => other !== item);
          } else if (what === 'shift') {
            expect(list.shift()).toBe(model.shift() ?? null);
          } else if (what === 'clear') {
            list.clear();
            model = [];
          }
          expect(contentsOf(list).map((one) => items.indexOf(one))).toEqual(
            model.map((one) => items.indexOf(one)),
          );
          expect(list.size).toBe(model.length);
          for (const one of items) expect(list.has(one)).toBe(model.includes(one));
          const gone = items.filter((one) => !model.includes(one));
          expect(gone.every(({ previous, next }) => previous === null && next === null)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

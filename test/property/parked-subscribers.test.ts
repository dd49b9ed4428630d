import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Position, tagAfter } from '../../src/events/position.js';
import { EncodedPage } from '../../src/feed/pages.js';
import { type ParkedSubscriber, ParkedSubscribers } from '../../src/feed/parked-subscribers.js';
import { answers } from '../support/events.js';

const eventCount = 4;
const events = answers(eventCount);

/** What a subscriber may do when it is resumed: most park again. */
type Deed = 'parks_again' | 'leaves' | 'has_others_leave';

class Client implements ParkedSubscriber {
  previous: ParkedSubscriber | null = null;
  next: ParkedSubscriber | null = null;
  place = 0;
  position: Position = { offset: 0, tag: 0 };
  onResume = () => {};

  constructor(readonly name: number) {}

  resume(): void {
    this.onResume();
  }
}

const clientCount = 5;
const index = fc.nat(clientCount - 1);
const offset = fc.nat(eventCount);
const step = fc.oneof(
  fc.record({ what: fc.constant('add' as const), index, offset, isBare: fc.boolean() }),
  fc.record({ what: fc.constant('delete' as const), index }),
  fc.record({
    what: fc.constant('release' as const),
    offset,
    isEmpty: fc.boolean(),
    deed: fc.constantFrom<Deed>('parks_again', 'leaves', 'has_others_leave'),
  }),
);

/** The place after that many events. @param isBare whether the client has given no tag */
function positionAt(place: number, isBare: boolean): Position {
  const tag = place === 0 ? 0 : tagAfter(events[place - 1] as (typeof events)[number]);
  return { offset: place, tag: isBare && place > 0 ? null : tag };
}

function pageAt(place: number, isEmpty: boolean): EncodedPage {
  const before = events[place - 1];
  const found = isEmpty ? [] : events.slice(place);
  return EncodedPage.of({ events: found, nextOffset: place + found.length, before, atEnd: true });
}

describe('ParkedSubscribers', () => {
  it('A parked subscriber is resumed by each page that brings news, once, and by no other', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const clients = Array.from({ length: clientCount }, (_, name) => new Client(name));
        const parked = new ParkedSubscribers();
        let model: Client[] = [];
        for (const one of steps) {
          if (one.what === 'add') {
            const client = clients[one.index] as Client;
            if (model.includes(client)) continue; // it would not move while it waits
            client.position = positionAt(one.offset, one.isBare);
            parked.add(client);
            parked.add(client);
            model.push(client);
          } else if (one.what === 'delete') {
            parked.delete(clients[one.index] as Client);
            model = model.filter(({ name }) => name !== one.index);
          } else {
            const page = pageAt(one.offset, one.isEmpty);
            const due = model.filter(({ position }) => isDue(position, page));
            model = release(parked, model, page, due, one.deed);
          }
          // One that has left must not keep the others alive.
          const gone = clients.filter((client) => !model.includes(client));
          expect(gone.every(({ previous, next }) => previous === null && next === null)).toBe(true);
          expect(new Set(parked.offsets())).toEqual(
            new Set(model.map(({ position }) => position.offset)),
          );
        }
        parked.clear();
        expect([...parked.offsets()]).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

/** What happens between two turns of the event loop. */
const meanwhile = fc.oneof(
  fc.record({ what: fc.constant('nothing' as const), index }),
  fc.record({ what: fc.constant('leaves' as const), index }),
  fc.record({ what: fc.constant('comes' as const), index }),
  fc.record({ what: fc.constant('closes' as const), index }),
);

describe('ParkedSubscribers, over several turns of the event loop', () => {
  it('Parked subscribers resume in their order, once each, without those that leave before or come later', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1), { minLength: clientCount, maxLength: clientCount }),
        fc.array(meanwhile, { maxLength: 2 * clientCount }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        (places, deeds, perTurn, isOver) => {
          const parked = new ParkedSubscribers();
          const page = pageAt(1, isOver);
          const resumed: number[] = [];
          const clients = places.map((_, name) => new Client(name));
          for (const [name, client] of clients.entries()) {
            client.position = positionAt(places[name] as number, false);
            client.onResume = () => {
              resumed.push(client.name);
              if (isOver) return; // it has ended
              client.position = page.next;
              parked.add(client);
            };
            parked.add(client);
          }
          let due = clients.filter(({ position }) => position.offset === page.offset);
          const upTo = parked.lastPlace;
          const expected: number[] = [];
          const take = () => {
            for (const { name } of due) if (resumed.includes(name)) expected.push(name);
            due = due.filter(({ name }) => !resumed.includes(name));
          };
          const rest = [...deeds];
          while (parked.release(page, upTo, isOver, turnOf(perTurn))) {
            take();
            const deed = rest.shift();
            const client = clients[deed?.index ?? 0] as Client;
            if (deed?.what === 'closes') parked.clear();
            if (deed?.what === 'closes') due = [];
            if (deed?.what === 'leaves' || deed?.what === 'comes') parked.delete(client);
            if (deed?.what === 'leaves' || deed?.what === 'comes') {
              due = due.filter((one) => one !== client);
            }
            if (deed?.what === 'comes') parked.add(client); // behind all who were there
          }
          take();
          expect(due).toEqual([]);
          expect(resumed).toEqual(expected);
          expect(new Set(resumed).size).toBe(resumed.length);
        },
      ),
      { numRuns: 500 },
    );
  });
});

/** A turn with room for that many subscribers. */
function turnOf(count: number) {
  let left = count;
  return { isOver: () => --left <= 0 };
}

function isDue(position: Position, page: EncodedPage): boolean {
  return position.offset === page.offset && (!page.isEmpty || position.tag === null);
}

/** Checks which were resumed. Returns which are parked then. */
function release(
  parked: ParkedSubscribers,
  model: readonly Client[],
  page: EncodedPage,
  due: readonly Client[],
  deed: Deed,
): Client[] {
  const released: Client[] = [];
  const parkedAgain: Client[] = [];
  for (const client of model) {
    client.onResume = () => {
      released.push(client);
      if (deed === 'leaves') return;
      if (deed === 'has_others_leave') {
        for (const other of model) parked.delete(other);
        return;
      }
      client.position = page.next;
      parked.add(client);
      parkedAgain.push(client);
    };
  }
  expect(parked.release(page, parked.lastPlace, false, { isOver: () => false })).toBe(false);
  const expected = deed === 'has_others_leave' ? due.slice(0, 1) : due;
  expect(released.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
  if (deed === 'has_others_leave' && due.length > 0) return [];
  return [...model.filter((client) => !due.includes(client)), ...parkedAgain];
}

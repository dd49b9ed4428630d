import { describe, expect, it } from 'vitest';
import { maxBatchEvents, type StoredEvent } from '../../src/events/event.js';
import { matches, tagAfter, tagAt } from '../../src/events/position.js';
import { maxPageBytes } from '../../src/store/stream-manager.js';
import { answers, eventOfBytes, newStream, stored, texts } from '../support/events.js';
import type { ManagerSource } from './manager-source.js';

export function appendAndReadContract(manager: ManagerSource): void {
  describe('appendEvents and getEvents', () => {
    it('give each event the next offset, in the order of the appends', async () => {
      const stream = newStream();
      expect(await manager().appendEvents(stream, answers(2))).toMatchObject({
        offset: 0,
        nextOffset: 2,
      });
      expect(await manager().appendEvents(stream, answers(3, 2))).toMatchObject({
        offset: 2,
        nextOffset: 5,
      });
    });

    it('return the stored bytes, from any offset', async () => {
      const stream = newStream();
      const events = answers(20);
      await manager().appendEvents(stream, events);
      for (const from of [0, 1, 7, 19]) {
        const page = await manager().getEvents(stream, from, 1000);
        expect(texts(page.events)).toEqual(texts(events.slice(from)));
        expect(page).toMatchObject({ nextOffset: 20, atEnd: true });
      }
    });

    it('keep bytes of any kind as they are', async () => {
      const stream = newStream();
      const events = stored({
        type: 'answer',
        content: 'é 漢字 🙂 \u2028 \u0000',
        data: { n: 1e21 },
      });
      await manager().appendEvents(stream, events);
      const { events: read } = await manager().getEvents(stream, 0, 10);
      expect(read[0]?.bytes.equals(events[0]?.bytes as Buffer)).toBe(true);
    });

    it('return the event before the offset together with the page', async () => {
      const stream = newStream();
      const events = answers(3);
      await manager().appendEvents(stream, events);
      expect((await manager().getEvents(stream, 0, 10)).before).toBeUndefined();
      const { before } = await manager().getEvents(stream, 2, 10);
      const tag = tagAfter(events[1] as StoredEvent);
      expect(matches({ offset: 2, tag }, tagAt(2, before))).toBe(true);
    });

    it('return an event before the end, and none before an offset past the end', async () => {
      const stream = newStream();
      await manager().appendEvents(stream, answers(3));
      const atEnd = await manager().getEvents(stream, 3, 10);
      expect(atEnd).toMatchObject({ events: [], nextOffset: 3, atEnd: true });
      expect(atEnd.before).toBeDefined();
      const past = await manager().getEvents(stream, 4, 10);
      expect(past).toEqual({ events: [], nextOffset: 4, before: undefined, atEnd: true });
      const farPast = await manager().getEvents(stream, Number.MAX_SAFE_INTEGER, 10);
      expect(farPast).toMatchObject({ events: [], before: undefined });
    });

    it('find an unknown stream empty and without a status', async () => {
      const stream = newStream();
      expect(await manager().getEvents(stream, 0, 10)).toEqual({
        events: [],
        nextOffset: 0,
        before: undefined,
        atEnd: true,
      });
      expect(await manager().getStatus(stream)).toBeNull();
    });

    it('return at most the limit, and whether the end was reached', async () => {
      const stream = newStream();
      await manager().appendEvents(stream, answers(50));
      const page = await manager().getEvents(stream, 10, 5);
      expect(page).toMatchObject({ nextOffset: 15, atEnd: false });
      expect(page.events).toHaveLength(5);
    });

    it('keep the largest batch, and page through it without gap or repeat', async () => {
      const stream = newStream();
      const events = answers(maxBatchEvents);
      await manager().appendEvents(stream, events);
      const read: StoredEvent[] = [];
      for (let page = await manager().getEvents(stream, 0, 300); ; ) {
        read.push(...page.events);
        if (page.atEnd) break;
        page = await manager().getEvents(stream, page.nextOffset, 300);
      }
      expect(texts(read)).toEqual(texts(events));
    });

    it('bound a page in bytes, but return at least one event', async () => {
      const stream = newStream();
      const large = eventOfBytes(maxPageBytes * 2);
      await manager().appendEvents(stream, [large, ...answers(3), large, ...answers(30)]);
      const first = await manager().getEvents(stream, 0, 1000);
      expect(first.events).toHaveLength(1);
      const second = await manager().getEvents(stream, 1, 1000);
      expect(second.events).toHaveLength(3);
      const last = await manager().getEvents(stream, 5, 1000);
      expect(last.events).toHaveLength(30);
    });

    it('keep the events of different streams apart', async () => {
      const [one, other] = [newStream(), newStream()];
      await manager().appendEvents(one, answers(2));
      await manager().appendEvents(other, answers(1, 7));
      await manager().appendEvents({ ...one, sessionId: `${one.sessionId}x` }, answers(1, 9));
      expect((await manager().getEvents(one, 0, 10)).events).toHaveLength(2);
      expect((await manager().getEvents(other, 0, 10)).events).toHaveLength(1);
    });

    it('order concurrent appends one after the other, with each batch whole', async () => {
      const stream = newStream();
      const batches = Array.from({ length: 20 }, (_, index) => answers(5, index * 5));
      const appended = await Promise.all(
        batches.map((batch) => manager().appendEvents(stream, batch)),
      );
      const { events } = await manager().getEvents(stream, 0, 1000);
      expect(events).toHaveLength(100);
      appended.forEach(({ offset, nextOffset }, index) => {
        const here = events.slice(offset, nextOffset);
        expect(texts(here)).toEqual(texts(batches[index] as StoredEvent[]));
      });
    });
  });
}

import { describe, expect, it } from 'vitest';
import type { StreamEnd, StreamId } from '../../src/store/stream-manager.js';
import { answers, complete, newStream, stored, texts, title } from '../support/events.js';
import { inputsOf, messages } from '../support/inputs.js';
import { producer } from '../support/producers.js';
import { endOf, foundInTen } from '../support/stream-ends.js';
import { waitFor } from '../support/wait-for.js';
import type { ManagerSource } from './manager-source.js';

export function inputsContract(manager: ManagerSource): void {
  /** A stream with one event. */
  async function openStream(): Promise<StreamId> {
    const stream = newStream();
    await manager().appendEvents(stream, answers(1));
    return stream;
  }
  const inputsOfStream = (stream: StreamId) => ({ ...stream, log: 'inputs' as const });
  const progress = async (stream: StreamId) => (await manager().getStatus(stream))?.inputs;

  describe('Inputs', () => {
    it('are stored verbatim and in order, beside the events', async () => {
      const stream = await openStream();
      const inputs = await messages(3);
      expect(await manager().appendInputs(stream, inputs.slice(0, 1))).toEqual({
        offset: 0,
        nextOffset: 1,
        count: 1,
      });
      expect(await manager().appendInputs(stream, inputs.slice(1))).toEqual({
        offset: 1,
        nextOffset: 3,
        count: 2,
      });
      const page = await manager().getEvents(inputsOfStream(stream), 0, 100);
      expect(texts(page.events)).toEqual(texts(inputs));
      expect(page).toMatchObject({ nextOffset: 3, atEnd: true });
      expect((await manager().getEvents(stream, 0, 100)).nextOffset).toBe(1);
      expect(await progress(stream)).toEqual({ nextOffset: 3, ackOffset: 0 });
    });

    it('are read in pages, each with the input before it', async () => {
      const stream = await openStream();
      const inputs = await messages(5);
      await manager().appendInputs(stream, inputs);
      const log = inputsOfStream(stream);
      const page = await manager().getEvents(log, 1, 2);
      expect(texts(page.events)).toEqual(texts(inputs.slice(1, 3)));
      expect(page).toMatchObject({ nextOffset: 3, atEnd: false });
      expect(page.before?.bytes).toEqual(inputs[0]?.bytes);
      const end = await manager().getEvents(log, 5, 2);
      expect(end).toMatchObject({ events: [], nextOffset: 5, atEnd: true });
      expect(end.before?.bytes).toEqual(inputs[4]?.bytes);
      expect((await manager().getEvents(log, 6, 2)).before).toBeUndefined();
      expect(await manager().getEvents(inputsOfStream(newStream()), 0, 2)).toMatchObject({
        events: [],
        atEnd: true,
      });
    });

    it('end no stream, whatever their type', async () => {
      const stream = await openStream();
      const ends = [
        { type: 'stop', id: 'a' },
        { type: 'error', id: 'b', done: true },
        { type: 'complete', id: 'c' },
      ];
      await manager().appendInputs(stream, await inputsOf(...ends));
      const { events } = await manager().getEvents(inputsOfStream(stream), 0, 100);
      expect(events.map(({ ending }) => ending)).toEqual([null, null, null]);
      expect((await manager().getStatus(stream))?.status).toBe('open');
    });

    it('are idempotent by their ids, and a mixed batch stores the new ones', async () => {
      const stream = await openStream();
      const inputs = await messages(3);
      await manager().appendInputs(stream, inputs.slice(0, 2));
      const again = await manager().appendInputs(stream, inputs.slice(0, 2));
      expect(again).toEqual({ offset: 2, nextOffset: 2, count: 0 });
      const mixed = await manager().appendInputs(stream, inputs);
      expect(mixed).toEqual({ offset: 2, nextOffset: 3, count: 1 });
      const { events } = await manager().getEvents(inputsOfStream(stream), 0, 100);
      expect(texts(events)).toEqual(texts(inputs));
    });

    it('are stored once when they are sent many times at once', async () => {
      const stream = await openStream();
      const inputs = await messages(3);
      const sent = Array.from({ length: 20 }, () => manager().appendInputs(stream, inputs));
      const counts = (await Promise.all(sent)).map((one) => one?.count ?? 0);
      expect(counts.reduce((sum, count) => sum + count)).toBe(3);
      expect((await progress(stream))?.nextOffset).toBe(3);
    });

    it('of which one has the id of another are rejected, all of them', async () => {
      const stream = await openStream();
      await manager().appendInputs(stream, await messages(1));
      const other = await inputsOf(
        { type: 'message', id: 'new', content: 'x' },
        { type: 'message', id: 'i0', content: 'other' },
      );
      const conflict = { code: 'input_conflict', details: { stored: 0 } };
      await expect(manager().appendInputs(stream, other)).rejects.toMatchObject(conflict);
      expect((await progress(stream))?.nextOffset).toBe(1);
    });

    it('need a stream, and are rejected after its end except for those that are stored', async () => {
      const absent = newStream();
      expect(await manager().appendInputs(absent, await messages(1))).toBeNull();
      expect(await manager().getStatus(absent)).toBeNull();
      const stream = await openStream();
      await manager().appendInputs(stream, await messages(2));
      await manager().appendEvents(stream, [complete()]);
      const again = await manager().appendInputs(stream, await messages(2));
      expect(again).toMatchObject({ count: 0, nextOffset: 2 });
      const ended = { code: 'stream_ended', details: { stored: 2, streamStatus: 'complete' } };
      await expect(manager().appendInputs(stream, await messages(3))).rejects.toMatchObject(ended);
      expect((await progress(stream))?.nextOffset).toBe(2);
    });

    it('go with their stream, whose tombstone rejects them', async () => {
      const stream = await openStream();
      await manager().appendInputs(stream, await messages(2));
      await manager().deleteStream(stream);
      const deleted = { code: 'stream_ended', details: { streamStatus: 'deleted' } };
      for (const count of [2, 3]) {
        const sent = manager().appendInputs(stream, await messages(count));
        await expect(sent).rejects.toMatchObject(deleted);
      }
      expect((await manager().getEvents(inputsOfStream(stream), 0, 10)).events).toEqual([]);
    });

    it('of a deleted stream are not those of the one that a raised epoch begins', async () => {
      const stream = newStream();
      await manager().appendEvents(stream, answers(1), { producer: producer(0) });
      await manager().appendInputs(stream, await messages(2));
      const acknowledged = { producer: producer(1), inputsAckOffset: 2 };
      await manager().appendEvents(stream, answers(1), acknowledged);
      await manager().deleteStream(stream);
      await manager().appendEvents(stream, answers(1), { producer: producer(0, 1) });
      expect(await progress(stream)).toEqual({ nextOffset: 0, ackOffset: 0 });
      const changed = await inputsOf({ type: 'message', id: 'i0', content: 'another' });
      expect(await manager().appendInputs(stream, changed)).toMatchObject({ offset: 0, count: 1 });
    });

    it('expire with their stream', async () => {
      const own = await manager.with({ ttlMs: 300 });
      const stream = newStream();
      await own.appendEvents(stream, answers(1));
      await own.appendInputs(stream, await messages(1));
      await waitFor('it has expired', async () => (await own.getStatus(stream)) === null);
      expect((await own.getEvents(inputsOfStream(stream), 0, 10)).events).toEqual([]);
      await own.appendEvents(stream, answers(1));
      expect((await own.getStatus(stream))?.inputs).toEqual({ nextOffset: 0, ackOffset: 0 });
      expect((await own.getEvents(inputsOfStream(stream), 0, 10)).events).toEqual([]);
    });

    it('are no heartbeat of the worker', async () => {
      const stream = await openStream();
      const before = await manager().getStatus(stream);
      await manager().appendInputs(stream, await messages(1));
      const after = await manager().getStatus(stream);
      expect(after?.updatedAt).toBe(before?.updatedAt);
      // Redis counts the ms that are left, by a clock that it reads twice.
      const moved = (after?.expiresAt as number) - (before?.expiresAt as number);
      expect(Math.abs(moved)).toBeLessThanOrEqual(2);
    });

    it.each([
      ['number', { maxStreamInputs: 3 }],
      ['size', { maxStreamInputBytes: 450 }],
    ])('are bounded in %s, all or none of a batch', async (_, limits) => {
      const own = await manager.with({ limits });
      const stream = newStream();
      await own.appendEvents(stream, answers(1));
      await own.appendInputs(stream, await messages(2));
      const full = { code: 'inputs_full', details: { stored: 1 } };
      const sent = own.appendInputs(stream, await messages(4, 1));
      await expect(sent).rejects.toMatchObject(full);
      expect((await own.getStatus(stream))?.inputs.nextOffset).toBe(2);
      expect(await own.appendInputs(stream, await messages(2))).toMatchObject({ count: 0 });
      expect(await own.appendInputs(stream, await messages(1, 2))).toMatchObject({ count: 1 });
    });
  });

  describe('The acknowledgement of inputs', () => {
    it('is stored with the events, never falls, and is told by the status', async () => {
      const stream = await openStream();
      await manager().appendInputs(stream, await messages(3));
      const appended = await manager().appendEvents(stream, answers(1), { inputsAckOffset: 2 });
      expect(appended).toMatchObject({ count: 1, inputsNextOffset: 3 });
      expect(await progress(stream)).toEqual({ nextOffset: 3, ackOffset: 2 });
      await manager().appendEvents(stream, answers(1), { inputsAckOffset: 1 });
      await manager().appendEvents(stream, answers(1));
      expect((await progress(stream))?.ackOffset).toBe(2);
    });

    it('comes with a lease too, unless the stream has ended', async () => {
      const stream = await openStream();
      await manager().appendInputs(stream, await messages(2));
      const renew = (inputsAckOffset: number) =>
        manager().renewLease(stream, { leaseMs: 60_000, inputsAckOffset });
      expect((await renew(1))?.inputs).toEqual({ nextOffset: 2, ackOffset: 1 });
      await expect(renew(3)).rejects.toMatchObject({ code: 'inputs_gap' });
      await manager().appendEvents(stream, [complete()]);
      expect((await renew(2))?.inputs.ackOffset).toBe(1);
      expect(await renew(9)).toMatchObject({ status: 'complete' });
    });

    it('comes with a heartbeat that leaves the lease as it is', async () => {
      const stream = await openStream();
      await manager().appendInputs(stream, await messages(2));
      const info = await manager().renewLease(stream, { inputsAckOffset: 1 });
      expect(info?.inputs).toEqual({ nextOffset: 2, ackOffset: 1 });
      const gap = manager().renewLease(stream, { inputsAckOffset: 3 });
      await expect(gap).rejects.toMatchObject({ code: 'inputs_gap' });
      expect(await manager().renewLease(newStream(), { inputsAckOffset: 0 })).toBeNull();
    });

    it('of inputs that do not exist is rejected, and nothing is stored', async () => {
      const stream = await openStream();
      await manager().appendInputs(stream, await messages(2));
      const gap = { code: 'inputs_gap', details: { stored: 0, inputs: { nextOffset: 2 } } };
      const sent = manager().appendEvents(stream, answers(1), { inputsAckOffset: 3 });
      await expect(sent).rejects.toMatchObject(gap);
      expect(await manager().getStatus(stream)).toMatchObject({
        nextOffset: 1,
        inputs: { ackOffset: 0 },
      });
      const absent = newStream();
      const begun = manager().appendEvents(absent, answers(1), { inputsAckOffset: 1 });
      await expect(begun).rejects.toMatchObject({ code: 'inputs_gap' });
      expect(await manager().getStatus(absent)).toBeNull();
      await manager().appendEvents(absent, answers(1), { inputsAckOffset: 0 });
    });

    it('of a fenced worker changes nothing, and that of a repetition counts', async () => {
      const stream = newStream();
      const send = (seq: number, epoch: number, inputsAckOffset: number) =>
        manager().appendEvents(stream, answers(1), {
          producer: producer(seq, epoch),
          inputsAckOffset,
        });
      await send(0, 0, 0);
      await manager().appendInputs(stream, await messages(3));
      await send(0, 1, 1);
      const fenced = { code: 'producer_fenced' };
      await expect(send(1, 0, 3)).rejects.toMatchObject(fenced);
      await expect(
        manager().renewLease(stream, {
          leaseMs: 60_000,
          producer: producer(0, 0),
          inputsAckOffset: 3,
        }),
      ).rejects.toMatchObject(fenced);
      expect((await progress(stream))?.ackOffset).toBe(1);
      expect(await send(0, 1, 2)).toMatchObject({ count: 0, inputsNextOffset: 3 });
      expect((await progress(stream))?.ackOffset).toBe(2);
    });

    it('keeps a worker that sends it from ending the stream over an unread input', async () => {
      const stream = await openStream();
      await manager().appendInputs(stream, await messages(2));
      const end = (inputsAckOffset?: number) =>
        manager().appendEvents(stream, [...answers(1), complete()], { inputsAckOffset });
      const unread = { code: 'inputs_unread', details: { stored: 0, inputs: { nextOffset: 2 } } };
      await expect(end(1)).rejects.toMatchObject(unread);
      expect(await manager().getStatus(stream)).toMatchObject({ nextOffset: 1, status: 'open' });
      await manager().appendEvents(stream, answers(1), { inputsAckOffset: 2 });
      await end(0);
      expect(await progress(stream)).toEqual({ nextOffset: 2, ackOffset: 2 });
    });

    it('is not needed: without it, a stream ends over unread inputs', async () => {
      const stream = await openStream();
      await manager().appendInputs(stream, await messages(2));
      await manager().appendEvents(stream, [complete()]);
      expect(await manager().getStatus(stream)).toMatchObject({
        status: 'complete',
        inputs: { nextOffset: 2, ackOffset: 0 },
      });
    });

    it('counts the events that were stored before when it is rejected', async () => {
      const stream = newStream();
      const events = [...answers(2), complete()];
      await manager().appendEvents(stream, events.slice(0, 2), { producer: producer(0) });
      await manager().appendInputs(stream, await messages(1));
      const options = { producer: producer(0), inputsAckOffset: 0 };
      const unread = { code: 'inputs_unread', details: { stored: 2 } };
      await expect(manager().appendEvents(stream, events, options)).rejects.toMatchObject(unread);
    });

    it('is raised by the late title of a stream that has ended', async () => {
      const stream = await openStream();
      await manager().appendInputs(stream, await messages(1));
      await manager().appendEvents(stream, [complete()]);
      await manager().appendEvents(stream, [title()], { inputsAckOffset: 1 });
      expect((await progress(stream))?.ackOffset).toBe(1);
    });
  });

  describe('The log of inputs', () => {
    it('has a status of its own, which ends with the stream', async () => {
      const stream = await openStream();
      const log = inputsOfStream(stream);
      expect(await manager().getStatus(inputsOfStream(newStream()))).toBeNull();
      expect(await manager().getStatus(log)).toMatchObject({
        nextOffset: 0,
        lastEvent: null,
        status: 'open',
        endedOffset: null,
      });
      const inputs = await messages(2);
      await manager().appendInputs(stream, inputs);
      await manager().appendEvents(stream, [...stored({ type: 'answer' }), complete()]);
      const status = await manager().getStatus(log);
      expect(status).toMatchObject({ nextOffset: 2, status: 'complete', endedOffset: 2 });
      expect(status?.lastEvent?.bytes).toEqual(inputs[1]?.bytes);
    });

    it('notifies its watchers of inputs, of the end and of a deletion, and not of events', async () => {
      const stream = await openStream();
      let notifications = 0;
      let ofEvents = 0;
      const unwatch = [
        manager().watch(inputsOfStream(stream), () => {
          notifications += 1;
        }),
        manager().watch(stream, () => {
          ofEvents += 1;
        }),
      ];
      const notifiesOf = async (change: () => Promise<unknown>) => {
        const before = notifications;
        await change();
        await waitFor('it is notified', () => notifications > before);
      };
      // A subscription begins with a notification.
      if (!manager().notifiesReliably) await waitFor('it is subscribed', () => ofEvents > 0);
      await notifiesOf(async () => manager().appendInputs(stream, await messages(1)));
      const before = { notifications, ofEvents };
      await manager().appendEvents(stream, answers(1));
      await waitFor('the other is notified', () => ofEvents > before.ofEvents);
      expect(notifications).toBe(before.notifications);
      await notifiesOf(() => manager().appendEvents(stream, [complete()]));
      await notifiesOf(() => manager().deleteStream(stream));
      for (const end of unwatch) end();
    });

    it('is found to have moved after an input, the end of its stream, and a deletion', async () => {
      const streams = await Promise.all(Array.from({ length: 5 }, openStream));
      await Promise.all(
        streams.map(async (stream) => manager().appendInputs(stream, await messages(1))),
      );
      const [same, longer, ended, deleted] = streams as [StreamId, StreamId, StreamId, StreamId];
      const ends = await Promise.all(
        streams.map((stream) => endOf(manager(), inputsOfStream(stream))),
      );
      const absent: StreamEnd = {
        stream: inputsOfStream(newStream()),
        end: { offset: 0, tag: 0 },
      };
      expect(await foundInTen(manager(), [...ends, absent])).toEqual([]);
      await manager().appendEvents(same, answers(1));
      await manager().appendInputs(longer, await messages(1, 1));
      await manager().appendEvents(ended, [complete()]);
      await manager().deleteStream(deleted);
      const ofEvents = { stream: same, end: { offset: 1, tag: null } };
      const moved = await foundInTen(manager(), [ofEvents, ...ends, absent]);
      expect(moved).toEqual([0, 2, 3, 4]);
    });
  });
}

import { describe, expect, it } from 'vitest';
import { maxProducers } from '../../src/store/append-rules.js';
import type { StreamId } from '../../src/store/stream-manager.js';
import { answers, complete, newStream, texts, title } from '../support/events.js';
import { producer } from '../support/producers.js';
import { waitFor } from '../support/wait-for.js';
import type { ManagerSource } from './manager-source.js';

export function producersContract(manager: ManagerSource): void {
  describe('A producer', () => {
    it('has each event stored once, however its batches overlap', async () => {
      const stream = newStream();
      const events = answers(9);
      const send = (from: number, to: number) =>
        manager().appendEvents(stream, events.slice(from, to), { producer: producer(from) });
      expect(await send(0, 3)).toMatchObject({ offset: 0, nextOffset: 3, count: 3 });
      expect(await send(0, 3)).toMatchObject({ offset: 3, nextOffset: 3, count: 0 });
      expect(await send(1, 2)).toMatchObject({ offset: 3, nextOffset: 3, count: 0 });
      expect(await send(2, 6)).toMatchObject({ offset: 3, nextOffset: 6, count: 3 });
      expect(await send(6, 9)).toMatchObject({ offset: 6, nextOffset: 9, count: 3 });
      expect(texts((await manager().getEvents(stream, 0, 100)).events)).toEqual(texts(events));
    });

    it('has a batch stored once that it sends many times at once', async () => {
      const stream = newStream();
      const events = answers(5);
      const options = { producer: producer(0) };
      const sent = Array.from({ length: 20 }, () =>
        manager().appendEvents(stream, events, options),
      );
      const counts = (await Promise.all(sent)).map(({ count }) => count);
      expect(counts.reduce((sum, count) => sum + count)).toBe(5);
      expect(texts((await manager().getEvents(stream, 0, 100)).events)).toEqual(texts(events));
    });

    it('gets the expected number when events are missing', async () => {
      const stream = newStream();
      const send = (seq: number, epoch = 0) =>
        manager().appendEvents(stream, answers(2), { producer: producer(seq, epoch) });
      const gap = (expectedSeq: number) => ({
        code: 'producer_gap',
        details: { stored: 0, expectedSeq },
      });
      await expect(send(1)).rejects.toMatchObject(gap(0));
      expect(await manager().getStatus(stream)).toBeNull();
      await send(0);
      await expect(send(3)).rejects.toMatchObject(gap(2));
      await expect(send(2, 1)).rejects.toMatchObject(gap(0));
      await send(2);
    });

    it('is fenced by the first append of a higher epoch, and not by a rejected one', async () => {
      const stream = newStream();
      const send = (seq: number, epoch: number) =>
        manager().appendEvents(stream, answers(1), { producer: producer(seq, epoch) });
      await send(0, 1);
      await expect(send(7, 2)).rejects.toMatchObject({ code: 'producer_gap' });
      await send(1, 1);
      await send(0, 2);
      const fenced = { code: 'producer_fenced', details: { stored: 0 } };
      for (const seq of [0, 1, 2, 9]) await expect(send(seq, 1)).rejects.toMatchObject(fenced);
      await expect(send(0, 0)).rejects.toMatchObject(fenced);
      expect((await manager().getEvents(stream, 0, 10)).nextOffset).toBe(3);
    });

    it('has a sequence of its own beside those of others', async () => {
      const stream = newStream();
      for (const id of ['a', 'b', 'a:b', '%', '*', 'é', '__proto__', 'length']) {
        const options = { producer: producer(0, 5, id) };
        expect(await manager().appendEvents(stream, answers(2), options)).toMatchObject({
          count: 2,
        });
        expect(await manager().appendEvents(stream, answers(2), options)).toMatchObject({
          count: 0,
        });
        const info = await manager().getStatus(stream, id);
        expect(info?.producer).toEqual({ epoch: 5, nextSeq: 2 });
      }
      expect((await manager().getStatus(stream, 'nobody'))?.producer).toBeNull();
      expect((await manager().getStatus(stream))?.producer).toBeNull();
    });

    it('may append beside workers without a producer', async () => {
      const stream = newStream();
      await manager().appendEvents(stream, answers(2), { producer: producer(0) });
      await manager().appendEvents(stream, answers(3));
      const again = manager().appendEvents(stream, answers(3), { producer: producer(0) });
      expect(await again).toMatchObject({ offset: 5, nextOffset: 6, count: 1 });
    });

    it(`is one of at most ${maxProducers} of a stream; rejected ones do not count`, async () => {
      const stream = newStream();
      const send = (index: number, seq = 0, epoch = 0) =>
        manager().appendEvents(stream, answers(1), { producer: producer(seq, epoch, `w${index}`) });
      for (let index = 0; index < maxProducers; index += 1) {
        await expect(send(index + 1000, 1)).rejects.toMatchObject({ code: 'producer_gap' });
        await send(index);
      }
      await expect(send(maxProducers)).rejects.toMatchObject({
        code: 'too_many_producers',
        details: { stored: 0 },
      });
      expect(await send(0, 1)).toMatchObject({ count: 1 });
      expect(await send(1, 0, 1)).toMatchObject({ count: 1 });
      expect(await manager().appendEvents(stream, answers(1))).toMatchObject({ count: 1 });
    });

    it('is deleted with its stream', async () => {
      const brief = await manager.with({ ttlMs: 2000 });
      const stream = newStream();
      const send = (seq: number) =>
        brief.appendEvents(stream, answers(1), { producer: producer(seq, 3) });
      await send(0);
      await waitFor('it expires', async () => (await brief.getStatus(stream)) === null);
      await expect(send(1)).rejects.toMatchObject({
        code: 'producer_gap',
        details: { expectedSeq: 0 },
      });
      expect(await send(0)).toMatchObject({ offset: 0, count: 1 });
    });
  });

  describe('The rejection of a producer', () => {
    /** Of producer w in epoch 2: two answers and the end, in a finished stream. */
    const endedAndFull = async () => {
      const limited = await manager.with({ limits: { maxStreamEvents: 2 } });
      const stream = newStream();
      const end = [...answers(2), complete()];
      await limited.appendEvents(stream, end, { producer: producer(0, 2) });
      return { limited, stream };
    };

    it.each([
      ['an older epoch, before a gap', producer(9, 1), 'producer_fenced'],
      ['an older epoch, before a repeat', producer(0, 1), 'producer_fenced'],
      ['a gap, before the end', producer(4, 2), 'producer_gap'],
      ['a gap of a new epoch, before the end', producer(1, 3), 'producer_gap'],
      ['a gap of an unknown one, before the end', producer(1, 0, 'x'), 'producer_gap'],
      ['the end, before the limits', producer(3, 2), 'stream_ended'],
      ['the end, for an unknown one', producer(0, 0, 'x'), 'stream_ended'],
    ])('is %s', async (_name, stamp, code) => {
      const { limited, stream } = await endedAndFull();
      await expect(
        limited.appendEvents(stream, answers(1), { producer: stamp }),
      ).rejects.toMatchObject({ code, details: { stored: 0 } });
    });

    it('does not happen when all of the batch is stored, also after the end', async () => {
      const { limited, stream } = await endedAndFull();
      const events = [...answers(2), complete()];
      const again = await limited.appendEvents(stream, events, { producer: producer(0, 2) });
      expect(again).toMatchObject({ offset: 3, nextOffset: 3, count: 0 });
    });

    it('happens after the end of its own batch unless epoch and number match', async () => {
      const stream = newStream();
      await manager().appendEvents(stream, answers(1), { producer: producer(0, 1) });
      const batch = [complete(), ...answers(1)];
      const send = (seq: number, epoch: number) =>
        manager().appendEvents(stream, batch, { producer: producer(seq, epoch) });
      await expect(send(0, 0)).rejects.toMatchObject({ code: 'producer_fenced' });
      await expect(send(2, 1)).rejects.toMatchObject({ code: 'producer_gap' });
      await expect(send(1, 1)).rejects.toMatchObject(ended(0));
    });

    const ended = (stored: number) => ({ code: 'stream_ended', details: { stored } });
    const rejected = (stream: StreamId, events: ReturnType<typeof answers>, seq: number) =>
      expect(manager().appendEvents(stream, events, { producer: producer(seq) })).rejects;

    it('has the number of its events that are stored', async () => {
      const stream = newStream();
      await manager().appendEvents(stream, answers(3), { producer: producer(0) });
      await rejected(stream, [...answers(3), complete(), ...answers(1)], 0).toMatchObject(ended(3));
      await manager().appendEvents(stream, [complete()], { producer: producer(3) });
      await rejected(stream, [...answers(3), complete(), ...answers(1)], 0).toMatchObject(ended(4));
      await rejected(stream, [complete(), title(), ...answers(1)], 3).toMatchObject(ended(1));
      await rejected(stream, answers(2), 4).toMatchObject(ended(0));
    });

    it('has that number when the stream is full too', async () => {
      const limited = await manager.with({ limits: { maxStreamEvents: 3 } });
      const stream = newStream();
      await limited.appendEvents(stream, answers(2), { producer: producer(0) });
      await expect(
        limited.appendEvents(stream, answers(3), { producer: producer(1) }),
      ).rejects.toMatchObject({ code: 'stream_full', details: { stored: 1 } });
      expect((await limited.getStatus(stream, 'w'))?.producer).toEqual({ epoch: 0, nextSeq: 2 });
      await limited.appendEvents(stream, [complete()], { producer: producer(2) });
    });

    it('does not happen to the title that is left of a batch whose end is stored', async () => {
      const stream = newStream();
      await manager().appendEvents(stream, [complete()], { producer: producer(0) });
      const rest = await manager().appendEvents(stream, [complete(), title()], {
        producer: producer(0),
      });
      expect(rest).toMatchObject({ offset: 1, nextOffset: 2, count: 1 });
    });
  });
}

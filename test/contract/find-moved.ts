import { describe, expect, it } from 'vitest';
import { startOfStream } from '../../src/events/position.js';
import type { StreamId } from '../../src/store/stream-manager.js';
import { answers, complete, newStream } from '../support/events.js';
import { foundInTen, streamsWithEnds } from '../support/stream-ends.js';
import type { ManagerSource } from './manager-source.js';

export function findMovedContract(manager: ManagerSource): void {
  describe('findMoved', () => {
    it('finds none of the streams that end where they did', async () => {
      expect(await manager().findMoved([])).toEqual([]);
      const ends = await streamsWithEnds(manager(), 30);
      expect(await foundInTen(manager(), ends)).toEqual([]);
    });

    it('finds those that have more events, are deleted, or are another stream', async () => {
      const ends = await streamsWithEnds(manager(), 6);
      const [longer, ended, deleted, shorter] = ends.map(({ stream }) => stream) as StreamId[];
      await manager().appendEvents(longer as StreamId, answers(1));
      await manager().appendEvents(ended as StreamId, [complete()]);
      await manager().deleteStream(deleted as StreamId);
      const ofAnother = ends.map(({ stream, end: { offset, tag } }) => {
        if (stream === shorter) return { stream, end: { offset: offset + 1, tag } };
        return { stream, end: { offset, tag: stream === ends[4]?.stream ? 1 : tag } };
      });
      expect(await foundInTen(manager(), ofAnother)).toEqual([0, 1, 2, 3, 4]);
    });

    it('finds a stream that did not exist once it does', async () => {
      const [absent, begun] = [newStream(), newStream()];
      const ends = [absent, begun].map((stream) => ({ stream, end: startOfStream }));
      expect(await manager().findMoved(ends)).toEqual([]);
      await manager().appendEvents(begun, answers(1));
      expect(await manager().findMoved(ends)).toEqual([1]);
    });
  });
}

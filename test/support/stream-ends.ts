import type { StoredEvent } from '../../src/events/event.js';
import { tagAfter } from '../../src/events/position.js';
import type { StreamEnd, StreamManager } from '../../src/store/stream-manager.js';
import { answers, newStream } from './events.js';

/** Streams with two events each, and where they end. */
export function streamsWithEnds(streams: StreamManager, count: number): Promise<StreamEnd[]> {
  const ids = Array.from({ length: count }, newStream);
  return Promise.all(
    ids.map(async (stream) => {
      await streams.appendEvents(stream, answers(2));
      return endOf(streams, stream);
    }),
  );
}

export async function endOf(
  streams: StreamManager,
  stream: StreamEnd['stream'],
): Promise<StreamEnd> {
  const info = await streams.getStatus(stream);
  if (info === null) throw new Error('there is no such stream');
  return { stream, end: { offset: info.nextOffset, tag: tagAfter(info.lastEvent as StoredEvent) } };
}

/** The indexes of the streams that ten calls find, within which each is found. */
export async function foundInTen(
  streams: StreamManager,
  ends: readonly StreamEnd[],
): Promise<number[]> {
  const found = new Set<number>();
  for (let call = 0; call < 10; call += 1) {
    for (const index of await streams.findMoved(ends)) found.add(index);
  }
  return [...found].sort((a, b) => a - b);
}

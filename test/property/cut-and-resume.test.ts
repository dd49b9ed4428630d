import type { EventSourceMessage } from 'eventsource-parser';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { runs } from './runs.js';

describeApp('The feeds of a stream', { feed: { lingerMs: 0 } }, (source) => {
  it('lose nothing when their clients drop at random while it is live', async () => {
    const drops = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(drops, fc.integer({ min: 1, max: 9 }), async (framesUntilDrop, batch) => {
        const stream = source.stream();
        const total = 40;
        const posting = postAll(stream, total, batch);
        const got = await readDropping(stream, framesUntilDrop);
        await posting;
        const { events } = (await (await fetch(stream.eventsUrl)).json()) as { events: unknown[] };
        expect(got.map(({ data }) => JSON.parse(data))).toEqual(events);
        expect(got.map(({ id }) => Number(id?.split('-')[0]))).toEqual(events.map((_, i) => i + 1));
      }),
      { numRuns: runs(10) },
    );
  });
});

async function postAll(stream: TestStream, total: number, batch: number): Promise<void> {
  for (let from = 0; from < total; from += batch) {
    await stream.postAnswers(Math.min(batch, total - from), from);
  }
  await stream.post({ type: 'complete' });
}

/** Follows to the end; the n-th connection is dropped after that many frames. */
async function readDropping(
  stream: TestStream,
  framesUntilDrop: readonly number[],
): Promise<EventSourceMessage[]> {
  const got: EventSourceMessage[] = [];
  for (const count of [...framesUntilDrop, Number.POSITIVE_INFINITY]) {
    const lastId = got.at(-1)?.id;
    const feed = await stream.feed('', lastId === undefined ? {} : { 'last-event-id': lastId });
    if (feed.status === 204) return got;
    if (count === Number.POSITIVE_INFINITY) await feed.end();
    else await feed.frameCount(count).catch(() => {}); // the stream may end before
    feed.drop();
    got.push(...feed.frames);
  }
  return got;
}

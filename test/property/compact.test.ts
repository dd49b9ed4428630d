import fc from 'fast-check';
import { expect, it } from 'vitest';
import { anyCharacter } from '../support/any-character.js';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { runs } from './runs.js';

const content = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 4 }),
  fc.constantFrom('\ud83d', '\ude42', '"', '\\', '\u2028', '\r\n', 'é'),
);

/** Mostly chunks of few segments, so that runs come about and break in all ways. */
const chunk = fc.record(
  {
    type: fc.constantFrom('answer', 'answer', 'thinking', 'error', 'session_title'),
    id: fc.constantFrom('a', 'b'),
    content,
    data: fc.constantFrom({ n: 1 }, { content: 'x' }),
  },
  { requiredKeys: ['type'] },
);
const ordinary = { weight: 4, arbitrary: fc.record({ type: fc.constant('answer'), content }) };
const ended = { weight: 1, arbitrary: chunk.map((one) => endOfSegment(one)) };
const batch = fc.array(fc.oneof(ordinary, { weight: 3, arbitrary: chunk }, ended), {
  minLength: 1,
  maxLength: 12,
});

/** A connection, and after how many frames it is cut. */
const connection = fc.record({ compact: fc.boolean(), frames: fc.integer({ min: 1, max: 5 }) });

type Event = {
  type: string;
  id: string;
  content: string;
  done: boolean;
  data?: object;
};
interface Got {
  readonly id: string;
  readonly data: string;
  readonly compact: boolean;
}

describeApp('A feed with compact=true', { feed: { lingerMs: 0 } }, ({ stream }) => {
  it('has the text of the full one, over any cuts, with and without compact', async () => {
    const batches = fc.array(batch, { minLength: 1, maxLength: 5 });
    const connections = fc.array(connection, { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(batches, connections, fc.boolean(), async (posts, cuts, isLive) => {
        const one = stream();
        const posting = postAll(one, posts);
        if (!isLive) await posting;
        const got = await readCut(one, cuts);
        await posting;
        const full = await readCut(one, []);
        expect(full).toHaveLength(posts.flat().length + 1);
        expect(foldAll(got)).toEqual(foldAll(full));
        expectIdsAndBytes(got, full);
      }),
      { numRuns: runs(20) },
    );
  });
});

async function postAll(stream: TestStream, batches: readonly (readonly object[])[]) {
  for (const batch of batches) expect((await stream.post(batch)).status).toBe(201);
  await stream.post({ type: 'complete' });
}

/** Follows to the end: each connection goes on where the one before was cut, the last one in full. */
async function readCut(
  stream: TestStream,
  connections: readonly { readonly compact: boolean; readonly frames: number }[],
): Promise<Got[]> {
  const got: Got[] = [];
  const whole = { compact: false, frames: Number.POSITIVE_INFINITY };
  for (const { compact, frames } of [...connections, whole]) {
    const id = got.at(-1)?.id;
    const feed = await stream.feed(`?compact=${compact}`, id ? { 'last-event-id': id } : {});
    if (feed.status === 204) return got;
    if (frames === Number.POSITIVE_INFINITY) await feed.end();
    else await feed.frameCount(frames).catch(() => {}); // the stream may end before
    feed.drop();
    got.push(
      ...feed.frames.map((frame) => ({ id: frame.id as string, data: frame.data, compact })),
    );
  }
  return got;
}

/** The rules of the protocol once more, over what a client parses, without regard to any page. */
function foldAll(frames: readonly Got[]): Event[] {
  const folded: Event[] = [];
  for (const { data } of frames) {
    const event = JSON.parse(data) as Event;
    const before = folded.at(-1);
    if (before === undefined || !continues(before, event)) folded.push(event);
    else folded[folded.length - 1] = { ...event, content: before.content + event.content };
  }
  return folded;
}

function continues(before: Event, next: Event): boolean {
  if (before.type !== next.type || next.type === 'session_title') return false;
  if (before.done || before.data !== undefined || isEnd(next)) return false;
  const areMinted = [before, next].every(({ id }) => id.startsWith('auto-'));
  return before.id === next.id || areMinted;
}

const isEnd = ({ type, done }: Event) => type === 'complete' || (type === 'error' && done);

/** Each frame stands for one event or more, and one that stands for a single event is that very text. */
function expectIdsAndBytes(got: readonly Got[], full: readonly Got[]): void {
  const ids = full.map(({ id }) => id);
  let next = 0;
  for (const { id, data, compact } of got) {
    const index = ids.indexOf(id, next);
    expect(index).toBeGreaterThanOrEqual(next);
    if (!compact) expect(index).toBe(next);
    if (index === next) expect(data).toBe(full[index]?.data);
    next = index + 1;
  }
  expect(next).toBe(full.length);
}

/** No `error` with `done`, as it would end the stream. */
function endOfSegment(event: { readonly type: string }) {
  return { ...event, type: event.type === 'error' ? 'tool_call' : event.type, done: true };
}

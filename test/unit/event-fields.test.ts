import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type EventInput, eventSchema } from '../../src/events/event.js';
import { parseEvents } from '../../src/events/parse-events.js';
import { foldEvents } from '../../src/feed/formats/fold-events.js';

/** An event with every field that there is. */
const complete: Required<EventInput> = {
  type: 'answer',
  id: 'a1',
  content: 'Hello',
  done: false,
  timestamp: '2026-01-01T12:00:00Z',
  data: { n: 1 },
};

const fields = Object.keys(eventSchema.shape);

const documented = readTable(
  readFileSync(join(import.meta.dirname, '../../docs/protocol.md'), 'utf8'),
);

function readTable(page: string) {
  const section = page.split('\n## The event\n')[1]?.split('\n\nUsual types')[0] ?? '';
  const rows = section.matchAll(/^\| `(\w+)` *\|.*\| *(.*?) *\|$/gm);
  return new Map(Array.from(rows, ([, field, whenLeftOut]) => [field as string, whenLeftOut]));
}

function encode(body: unknown): Record<string, unknown>[] {
  const stored = parseEvents(Buffer.from(JSON.stringify(body)), { maxEventBytes: 1024 ** 2 });
  return stored.map(({ bytes }) => JSON.parse(bytes.toString()));
}

describe('The fields of an event', () => {
  it('are all in the event of this test', () => {
    expect(Object.keys(complete).sort()).toEqual([...fields].sort());
  });

  it('are those of the table in docs/protocol.md', () => {
    expect([...documented.keys()].sort()).toEqual([...fields].sort());
  });

  it.each([
    ['alone', complete],
    ['in an array', [complete]],
    [
      'in an event that is too large to be parsed whole',
      { ...complete, content: 'x'.repeat(9000) },
    ],
    [
      'in a body that is too large to be parsed whole',
      Array(30).fill({ ...complete, content: 'x'.repeat(9000) }),
    ],
  ])('are stored as they were sent %s', (_, body) => {
    expect(encode(body)).toEqual([body].flat());
  });

  it.each(fields)('that are left out, as %s, are stored as docs/protocol.md says', (field) => {
    const { [field as 'data']: _, ...rest } = complete;
    const whenLeftOut = documented.get(field);
    if (whenLeftOut === '400') {
      expect(() => encode(rest)).toThrow(`event 0: \`${field}\` is required`);
    } else {
      const isAdded = whenLeftOut !== 'absent';
      expect(Object.hasOwn(encode(rest)[0] ?? {}, field)).toBe(isAdded);
      expect(encode(rest)[0]).toMatchObject(rest);
    }
  });

  it('allow the chunks of one text to be folded', () => {
    const { data: _, ...chunk } = complete;
    const stored = parseEvents(Buffer.from(JSON.stringify([chunk, complete])), {
      maxEventBytes: 1024 ** 2,
    });
    const folded = foldEvents(stored, 1024 ** 2);
    expect(folded.map(({ event }) => JSON.parse(event.bytes.toString()))).toEqual([
      { ...complete, content: 'HelloHello' },
    ]);
  });
});

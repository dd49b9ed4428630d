import { describe, expect, it } from 'vitest';
import { readPage } from '../../src/streams/redis/page-reader.js';
import { maxPageBytes } from '../../src/streams/stream-manager.js';

/** A list as Redis has it, which counts how often and how much is read. */
function listOf(elements: Buffer[]) {
  const trips: number[] = [];
  const readRange = async (first: number, last: number) => {
    const range = elements.slice(first, last + 1);
    trips.push(range.length);
    return range;
  };
  return { readRange, trips };
}

const small = (index: number) => Buffer.from(`{"type":"t","id":"${index}"}`);
const smalls = (count: number) => Array.from({ length: count }, (_, index) => small(index));

describe('a page of a Redis List', () => {
  it('takes one trip at the end of a stream', async () => {
    const { readRange, trips } = listOf(smalls(10));
    const page = await readPage(readRange, 9, 1000);
    expect(page).toMatchObject({ nextOffset: 10, atEnd: true });
    expect(page.before?.bytes).toEqual(small(8));
    expect(trips).toHaveLength(1);
  });

  it('takes two trips for a thousand small events', async () => {
    const { readRange, trips } = listOf(smalls(3000));
    const page = await readPage(readRange, 500, 1000);
    expect(page.events.map((event) => event.bytes)).toEqual(smalls(3000).slice(500, 1500));
    expect(page).toMatchObject({ nextOffset: 1500, atEnd: false });
    expect(trips).toHaveLength(2);
  });

  it('reads little more than a page of large events', async () => {
    const large = Buffer.from(`{"type":"t","content":"${'x'.repeat(20_000)}"}`);
    const { readRange, trips } = listOf(Array(1000).fill(large));
    const page = await readPage(readRange, 0, 1000);
    expect(page.events).toHaveLength(Math.floor(maxPageBytes / large.length));
    expect(trips.reduce((sum, count) => sum + count)).toBeLessThan(20);
  });

  it('ends where the list was replaced between two trips', async () => {
    let elements = smalls(100);
    const page = await readPage(
      async (first, last) => {
        const range = elements.slice(first, last + 1);
        elements = Array(200).fill(Buffer.from('{"type":"other"}'));
        return range;
      },
      0,
      1000,
    );
    expect(page.events.map((event) => event.bytes)).toEqual(smalls(100).slice(0, page.nextOffset));
    expect(page.nextOffset).toBeLessThan(100);
    expect(page.atEnd).toBe(false);
  });
});

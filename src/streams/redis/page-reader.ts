import { decodeStoredEvent } from '../stream-event.js';
import { type EventPage, maxPageBytes } from '../stream-manager.js';

/** LRANGE of the stream's list, both ends included, as Redis has it. */
export type ReadRange = (first: number, last: number) => Promise<Buffer[]>;

/** The page of a stream that does not exist. */
export function emptyPage(fromOffset: number): EventPage {
  return { events: [], nextOffset: fromOffset, before: undefined, atEnd: true };
}

/** How many elements the first trip asks for, while their size is unknown. */
const firstTripElements = 16;

/**
 * Reads one page in as few trips as its bytes allow: LRANGE cannot bound bytes, so each trip asks
 * for as many elements as fit at the average size seen so far. A trip begins with the last element
 * of the one before; where that differs, the list was replaced meanwhile, and the page ends.
 */
export async function readPage(
  readRange: ReadRange,
  fromOffset: number,
  limit: number,
): Promise<EventPage> {
  const hasBefore = fromOffset > 0;
  const first = hasBefore ? fromOffset - 1 : 0;
  let asked = Math.min(limit, firstTripElements);
  let elements = await readRange(first, fromOffset + asked - 1);
  const before = hasBefore ? elements.shift() : undefined;

  const page: Buffer[] = [];
  let bytes = 0;
  while (true) {
    for (const element of elements) {
      if (page.length > 0 && bytes + element.length > maxPageBytes) return toPage(page, false);
      page.push(element);
      bytes += element.length;
    }
    const atEnd = elements.length < asked;
    if (atEnd || page.length >= limit || bytes >= maxPageBytes) return toPage(page, atEnd);

    const fitting = Math.ceil((maxPageBytes - bytes) / (bytes / page.length));
    asked = Math.min(Math.max(fitting, 1), limit - page.length);
    const end = fromOffset + page.length;
    elements = await readRange(end - 1, end + asked - 1);
    if (elements.shift()?.equals(page.at(-1) as Buffer) !== true) return toPage(page, false);
  }

  function toPage(stored: readonly Buffer[], atEnd: boolean): EventPage {
    return {
      events: stored.map(decodeStoredEvent),
      nextOffset: fromOffset + stored.length,
      before: before === undefined ? undefined : decodeStoredEvent(before),
      atEnd,
    };
  }
}

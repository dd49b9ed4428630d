import { decodeStoredEvent } from '../stream-event.js';
import { type EventPage, maxPageBytes } from '../stream-manager.js';
import type { CommandClient } from './redis-client.js';

type PageReply = readonly [atEnd: number, before: Buffer | null, page: readonly Buffer[]];

/** Reads one page of a list, in one step. */
export async function readPage(
  client: CommandClient,
  list: string,
  fromOffset: number,
  limit: number,
): Promise<EventPage> {
  const reply = await client.readPageBuffer(list, fromOffset, limit, maxPageBytes);
  const [atEnd, before, page] = reply as PageReply;
  return {
    events: page.map(decodeStoredEvent),
    nextOffset: fromOffset + page.length,
    before: before === null ? undefined : decodeStoredEvent(before),
    atEnd: atEnd === 1,
  };
}

/** The page of a stream that does not exist. */
export function emptyPage(fromOffset: number): EventPage {
  return { events: [], nextOffset: fromOffset, before: undefined, atEnd: true };
}

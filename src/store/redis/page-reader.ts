import { decodeInTurns, decodeStoredEvent, type StoredEvent } from '../../events/event.js';
import { type EventPage, maxPageBytes } from '../stream-manager.js';
import { holdWrites } from './connection/redis-client.js';
import { isWrongType } from './connection/redis-errors.js';
import type { ScriptClient } from './script-client.js';

type PageReply = readonly [atEnd: number, before: Buffer | null, page: readonly Buffer[]];

/** Reads one page of a list atomically. A key that is not a list gives an empty page. */
export async function readPage(
  client: ScriptClient,
  list: string,
  fromOffset: number,
  limit: number,
): Promise<EventPage> {
  try {
    const read = limit === 1 ? readOne : readSome;
    return await read(client, list, fromOffset, limit);
  } catch (error) {
    if (isWrongType(error)) return emptyPage(fromOffset);
    throw error;
  }
}

async function readSome(
  client: ScriptClient,
  list: string,
  fromOffset: number,
  limit: number,
): Promise<EventPage> {
  const reply = await client.readPageBuffer(list, fromOffset, limit, maxPageBytes);
  const [atEnd, before, page] = reply as PageReply;
  return {
    events: await decodePage(page),
    nextOffset: fromOffset + page.length,
    before: before === null ? undefined : { bytes: before },
    atEnd: atEnd === 1,
  };
}

/** Reads one event without a script: its size is bounded, and it is mostly read to see if there is one. */
async function readOne(client: ScriptClient, list: string, fromOffset: number): Promise<EventPage> {
  holdWrites(client); // many streams may be read together
  const first = Math.max(fromOffset - 1, 0);
  const elements = await client.lrangeBuffer(list, first, fromOffset + 1);
  const [before, event, next] = fromOffset === 0 ? [undefined, ...elements] : elements;
  return {
    events: event === undefined ? [] : [await decodeInTurns(event)],
    nextOffset: fromOffset + (event === undefined ? 0 : 1),
    before: before === undefined ? undefined : { bytes: before },
    atEnd: next === undefined,
  };
}

/** Decodes a page. An event that is larger than a page has one to itself, and is decoded in slices. */
function decodePage(page: readonly Buffer[]): StoredEvent[] | Promise<StoredEvent[]> {
  const isLarge = page.length === 1 && (page[0] as Buffer).length > maxPageBytes;
  return isLarge ? Promise.all(page.map(decodeInTurns)) : page.map(decodeStoredEvent);
}

/** The page of a stream that does not exist. */
function emptyPage(fromOffset: number): EventPage {
  return { events: [], nextOffset: fromOffset, before: undefined, atEnd: true };
}

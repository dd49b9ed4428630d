import { decodeInTurns, decodeStoredEvent, type StoredEvent } from '../../events/event.js';
import { type EventPage, maxPageBytes } from '../stream-manager.js';
import { isWrongType } from './connection/redis-errors.js';
import { readCost } from './script-client.js';
import type { ScriptQueue } from './script-queue.js';

/** The reply of `read-streams.lua` for a page. */
export type PageReply = readonly [
  outcome: Buffer,
  atEnd: number,
  before: Buffer | null,
  elements: readonly Buffer[],
];

/** Reads one page of a list atomically. A key that is not a list gives an empty page. */
export async function readPage(
  reads: ScriptQueue,
  list: string,
  fromOffset: number,
  limit: number,
): Promise<EventPage> {
  try {
    // Without the state: while a cluster moves a slot, it takes no command with keys of which some are missing.
    const reply = await reads.call({ list, state: list }, ['page', fromOffset, limit], readCost);
    return await toPage(reply as unknown as PageReply, fromOffset);
  } catch (error) {
    if (isWrongType(error)) return emptyPage(fromOffset);
    throw error;
  }
}

export async function toPage(
  [, atEnd, before, page]: PageReply,
  fromOffset: number,
): Promise<EventPage> {
  return {
    events: await decodePage(page),
    nextOffset: fromOffset + page.length,
    before: before === null ? undefined : { bytes: before },
    atEnd: atEnd === 1,
  };
}

/** Decodes a page. An event that is larger than a page has one to itself, and is decoded in slices. */
function decodePage(page: readonly Buffer[]): StoredEvent[] | Promise<StoredEvent[]> {
  const isLarge = page.length === 1 && (page[0] as Buffer).length > maxPageBytes;
  return isLarge ? Promise.all(page.map(decodeInTurns)) : page.map(decodeStoredEvent);
}

/** The page of a stream that does not exist. */
export function emptyPage(fromOffset: number): EventPage {
  return { events: [], nextOffset: fromOffset, before: undefined, atEnd: true };
}

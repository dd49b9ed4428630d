import { decodeInTurns, decodeStoredEvent, type StoredEvent } from '../../events/event.js';
import { type EventPage, maxPageBytes } from '../stream-manager.js';
import { holdWrites } from './connection/redis-client.js';
import { isWrongType } from './connection/redis-errors.js';
import type { ScriptClient } from './script-client.js';
import { groupsOf } from './slot-groups.js';

/** Max lists that one script reads the ends of, since Redis serves nobody else meanwhile. */
const maxListsAtOnce = 250;

type PageReply = readonly [atEnd: number, before: Buffer | null, page: readonly Buffer[]];

/** Reads one page of a list atomically. A key that is not a list gives an empty page. */
export async function readPage(
  client: ScriptClient,
  list: string,
  fromOffset: number,
  limit: number,
): Promise<EventPage> {
  try {
    if (limit === 1) return await toPage(await readElements(client, list, fromOffset), fromOffset);
    const reply = await client.readPageBuffer(list, fromOffset, limit, maxPageBytes);
    const [atEnd, before, page] = reply as PageReply;
    return {
      events: await decodePage(page),
      nextOffset: fromOffset + page.length,
      before: before === null ? undefined : { bytes: before },
      atEnd: atEnd === 1,
    };
  } catch (error) {
    if (isWrongType(error)) return emptyPage(fromOffset);
    throw error;
  }
}

/** Reads one event of a list, together with those of other lists that are asked for in the same turn. */
export class EndReader {
  #waiting: EndRequest[] = [];

  constructor(readonly client: ScriptClient) {}

  read(list: string, fromOffset: number): Promise<EventPage> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({ list, fromOffset, resolve, reject });
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const groups = groupsOf(waiting, this.client, () => 1, maxListsAtOnce);
    for (const group of groups) void this.#readGroup(group);
  }

  async #readGroup(group: readonly EndRequest[]): Promise<void> {
    try {
      const pages = group.length === 1 ? [null] : await this.#readTogether(group);
      await Promise.all(group.map((request, index) => this.#settle(request, pages[index] ?? null)));
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  #readTogether(group: readonly EndRequest[]): Promise<(readonly Buffer[] | null)[]> {
    const lists = group.map(({ list }) => list);
    const offsets = group.map(({ fromOffset }) => fromOffset);
    const reply = this.client.readEndsBuffer(lists.length, ...lists, ...offsets, maxPageBytes);
    return reply as Promise<(readonly Buffer[] | null)[]>;
  }

  async #settle(request: EndRequest, elements: readonly Buffer[] | null): Promise<void> {
    const { list, fromOffset, resolve, reject } = request;
    try {
      // One that was not read together with the others, or is no list, is read alone.
      const page =
        elements === null
          ? readPage(this.client, list, fromOffset, 1)
          : toPage(elements, fromOffset);
      resolve(await page);
    } catch (error) {
      reject(error);
    }
  }
}

interface EndRequest {
  readonly list: string;
  readonly fromOffset: number;
  readonly resolve: (page: EventPage) => void;
  readonly reject: (error: unknown) => void;
}

/** Reads one event without a script: its size is bounded, and it is mostly read to see if there is one. */
function readElements(client: ScriptClient, list: string, fromOffset: number): Promise<Buffer[]> {
  holdWrites(client); // many streams may be read together
  return client.lrangeBuffer(list, Math.max(fromOffset - 1, 0), fromOffset + 1);
}

/** @param elements from the one before the event to the one behind it */
async function toPage(elements: readonly Buffer[], fromOffset: number): Promise<EventPage> {
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

import { createHash } from 'node:crypto';
import type { BaseLogger } from 'pino';
import { ServiceError } from '../../errors.js';
import {
  decodeInTurns,
  decodeStoredEvent,
  maxBatchEvents,
  type StoredBytes,
  type StoredEvent,
} from '../../events/event.js';
import { type EventPage, maxPageBytes } from '../stream-manager.js';
import { holdWrites, isConnected } from './connection/redis-client.js';
import { isWrongType, notConnected, toServiceError } from './connection/redis-errors.js';
import type { Reply, ScriptClient } from './script-client.js';

/** Max calls of a script, which is repeated when another program has pushed meanwhile. */
const maxScriptCalls = 100;

/** Calls of Redis, which fail with a `ServiceError` only. */
export class RedisCalls {
  constructor(
    readonly client: ScriptClient,
    readonly logger: BaseLogger,
  ) {}

  /**
   * Without a connection nothing is sent, and the error says that nothing was executed.
   *
   * @throws ServiceError when Redis is away or rejects the call
   */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (!isConnected(this.client)) throw notConnected();
    try {
      return await call();
    } catch (error) {
      throw toServiceError(error);
    }
  }

  /** Runs a script on a stream, and repeats it until all foreign elements are scanned. */
  async runScript(
    list: string,
    call: (scanned: Scanned) => Promise<unknown>,
  ): Promise<Reply | null> {
    let scanned = nothingScanned;
    for (let calls = 0; calls < maxScriptCalls; calls += 1) {
      const some = scanned;
      const reply = (await this.run(() => call(some))) as Reply | null;
      if (reply?.[0].toString() !== 'unscanned') return reply;
      const from = reply[1] as number;
      scanned = await this.run(() => scanForeignElements(this.client, list, from));
    }
    const message = 'another program pushes faster than its events can be read';
    throw new ServiceError('backend_unavailable', message, { stored: 0 });
  }

  /** A call that only repairs hints. It may fail, as reads must work on a full Redis. */
  async repair(call: () => Promise<unknown>): Promise<void> {
    await this.run(call).catch((error: ServiceError) => {
      this.logger.debug({ code: error.code }, 'A hint could not be repaired');
    });
  }
}

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

/** The result of a scan: the second to seventh argument of every script that reconciles. */
export type Scanned = readonly [
  from: number,
  to: number,
  lastSha1: string,
  bytes: number,
  ending: string,
  endedOffset: number,
];

export const nothingScanned: Scanned = [0, 0, '', 0, '', 0];

/** Max pages of one scan: more than the longest list should have. */
const maxPages = 1000;

/**
 * Scans the elements that another program pushed, from here to the end of the list, for the first
 * one that ends the stream. It reads and decodes a page at a time, so that other work has its
 * turn. The result is given to Redis as a whole: a full Redis could not store partial ones.
 *
 * @returns nothing when the list has been replaced by another one
 */
export async function scanForeignElements(
  client: ScriptClient,
  list: string,
  from: number,
): Promise<Scanned> {
  let [to, bytes, ending, endedOffset] = [from, 0, '', 0];
  let last: StoredBytes | undefined;
  for (let pages = 0; pages < maxPages; pages += 1) {
    const page = await readPage(client, list, to, maxBatchEvents);
    if (last !== undefined && !page.before?.bytes.equals(last.bytes)) return nothingScanned;
    for (const [index, event] of page.events.entries()) {
      bytes += event.bytes.length;
      if (ending !== '' || event.ending === null) continue;
      [ending, endedOffset] = [event.ending, to + index + 1];
    }
    last = page.events.at(-1) ?? last;
    to = page.nextOffset;
    if (page.atEnd) break;
  }
  if (last === undefined) return nothingScanned;
  const sha1 = createHash('sha1').update(last.bytes).digest('hex');
  return [from, to, sha1, bytes, ending, endedOffset];
}

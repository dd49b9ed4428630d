import { createHash } from 'node:crypto';
import { maxBatchEvents, type StoredBytes } from '../../events/event.js';
import { readPage } from './page-reader.js';
import type { ScriptQueue } from './script-queue.js';

/** The result of a scan, as `scripts/shared/foreign-elements.lua` takes it. */
export type Scanned = string;

export const nothingScanned: Scanned = '';

/** Length of the checksum of an element in the state, in characters. */
const checksumLength = 12;

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
  reads: ScriptQueue,
  list: string,
  from: number,
): Promise<Scanned> {
  let [to, bytes, ending, endedOffset] = [from, 0, '', 0];
  let last: StoredBytes | undefined;
  for (let pages = 0; pages < maxPages; pages += 1) {
    const page = await readPage(reads, list, to, maxBatchEvents);
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
  const checksum = sha1.slice(0, checksumLength);
  return [from, to, checksum, bytes, endedOffset, ending].join();
}

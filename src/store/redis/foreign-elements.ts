import { createHash } from 'node:crypto';
import { maxBatchEvents } from '../../events/event.js';
import type { CommandClient } from './connection/redis-client.js';
import { readPage } from './page-reader.js';

/** What was found in a part of a list: the first arguments of every script. */
export type Seen = readonly [
  from: number,
  to: number,
  lastSha1: string,
  bytes: number,
  ending: string,
  endedOffset: number,
];

export const nothingSeen: Seen = [0, 0, '', 0, '', 0];

/** Looks through one page of elements that another program pushed, for one that ends the stream. */
export async function lookThrough(
  client: CommandClient,
  list: string,
  from: number,
): Promise<Seen> {
  const { events, nextOffset } = await readPage(client, list, from, maxBatchEvents);
  const last = events.at(-1);
  if (last === undefined) return nothingSeen;
  const bytes = events.reduce((sum, event) => sum + event.bytes.length, 0);
  const index = events.findIndex(({ ending }) => ending !== null);
  const ending = events[index]?.ending ?? '';
  const sha1 = createHash('sha1').update(last.bytes).digest('hex');
  return [from, nextOffset, sha1, bytes, ending, index < 0 ? 0 : from + index + 1];
}

/** Two parts of which the second begins where the first ends; nothing when that is gone. */
export function joined(some: Seen, more: Seen): Seen {
  if (more === nothingSeen) return nothingSeen;
  const [from, , , bytes, ...end] = some;
  const [, to, lastSha1, moreBytes, ...moreEnd] = more;
  return [from, to, lastSha1, bytes + moreBytes, ...(end[0] === '' ? moreEnd : end)];
}

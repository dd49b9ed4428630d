import { tagAfter } from '../../events/position.js';
import type { StreamEnd } from '../stream-manager.js';
import { listKey } from './redis-keys.js';
import type { ScriptClient } from './script-client.js';
import { groupsOf } from './slot-groups.js';

/** Max lists of one script, since Redis serves nobody else meanwhile. */
const maxListsAtOnce = 250;

/** Where the last element is larger, the stream is read, rather than copying the element to compare it. */
const maxComparedBytes = 4096;

interface WaitingList {
  readonly index: number;
  readonly list: string;
  readonly end: StreamEnd['end'];
  readonly cost: number;
}

/** As `StreamManager.findMoved`. */
export async function findMoved(
  client: ScriptClient,
  prefix: string,
  ends: readonly StreamEnd[],
): Promise<number[]> {
  const lists = ends.map(({ stream, end }, index) => {
    return { index, list: listKey(prefix, stream), end, cost: 1 };
  });
  const groups = groupsOf(lists, client, maxListsAtOnce);
  const moved = await Promise.all(groups.map((group) => findMovedOf(client, group)));
  return moved.flat();
}

async function findMovedOf(client: ScriptClient, group: readonly WaitingList[]): Promise<number[]> {
  const names = group.map(({ list }) => list);
  const lengths = group.map(({ end }) => end.offset);
  let last: readonly (Buffer | null)[] = [];
  try {
    const reply = client.lastElementsBuffer(names.length, ...names, ...lengths, maxComparedBytes);
    last = (await reply) as typeof last;
  } catch {
    // All of them are read, which fails with an error of its own.
  }
  const moved = group.filter(({ end }, index) => {
    const bytes = last[index];
    return bytes == null || tagAfter({ bytes }) !== end.tag;
  });
  return moved.map(({ index }) => index);
}

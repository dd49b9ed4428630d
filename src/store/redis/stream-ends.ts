import { tagAfter } from '../../events/position.js';
import type { StreamEnd } from '../stream-manager.js';
import { isConnected } from './connection/redis-client.js';
import { listKey } from './redis-keys.js';
import type { ScriptClient } from './script-client.js';
import { groupsOf } from './slot-groups.js';

/** Max streams of one script, since Redis serves nobody else meanwhile. */
export const maxEndsAtOnce = 250;

/**
 * Of this many ends, one is compared by its event, and the others by their length: another list of the same length
 * is rare, and costly to look for. In as many calls each end has its turn.
 */
export const endsPerEvent = 10;

/** A larger event is not sent to be compared: its stream is read. */
const maxComparedBytes = 4096;

interface ListEnd {
  readonly index: number;
  readonly list: string;
  readonly end: StreamEnd['end'];
  readonly isCompared: boolean;
  readonly cost: number;
}

/** Finds streams that end elsewhere than they did. */
export class StreamEnds {
  #calls = 0;

  constructor(
    readonly client: ScriptClient,
    readonly prefix: string,
  ) {}

  /** As `StreamManager.findMoved`. */
  async findMoved(ends: readonly StreamEnd[]): Promise<number[]> {
    if (!isConnected(this.client)) return ends.map((_, index) => index);
    this.#calls += 1;
    const lists = ends.map(({ stream, end }, index) => {
      const isCompared = end.offset > 0 && (index + this.#calls) % endsPerEvent === 0;
      return { index, list: listKey(this.prefix, stream), end, isCompared, cost: 1 };
    });
    const groups = groupsOf(lists, this.client, maxEndsAtOnce);
    const moved = await Promise.all(groups.map((group) => this.#findMovedOf(group)));
    return moved.flat();
  }

  async #findMovedOf(group: readonly ListEnd[]): Promise<number[]> {
    const names = group.map(({ list }) => list);
    const lengths = group.map(({ end, isCompared }) => (isCompared ? -end.offset : end.offset));
    const found = await this.client
      .streamEndsBuffer(names.length, ...names, ...lengths, maxComparedBytes)
      .then((reply) => reply as readonly (Buffer | number | null)[])
      .catch(() => []); // all of them are read, which fails with an error of its own
    const moved = group.filter(({ end }, index) => !isThere(end, found[index] ?? null));
    return moved.map(({ index }) => index);
  }
}

function isThere({ tag }: StreamEnd['end'], found: Buffer | number | null): boolean {
  return found instanceof Buffer ? tagAfter({ bytes: found }) === tag : found !== null;
}

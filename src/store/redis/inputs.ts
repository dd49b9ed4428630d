import type { StoredEvent } from '../../events/event.js';
import type { StoredInput } from '../../events/parse-inputs.js';
import { tagAfter } from '../../events/position.js';
import type { StreamLimits } from '../append-rules.js';
import type { EventPage, StoredRange, StreamEnd, StreamInfo } from '../stream-manager.js';
import { nullIfWrongType } from './connection/redis-errors.js';
import { emptyPage, type PageReply, toPage } from './page-reader.js';
import type { RedisCalls } from './redis-calls.js';
import type { RedisKeys } from './redis-keys.js';
import { readCost, toStoredInputs } from './script-client.js';

/** The inputs of streams: a list beside the list of events, which only this service knows. */
export class RedisInputs {
  constructor(
    readonly calls: RedisCalls,
    readonly limits: StreamLimits,
  ) {}

  /** As `StreamManager.appendInputs`. */
  async append(
    { list, state }: RedisKeys,
    inputs: readonly StoredInput[],
  ): Promise<StoredRange | null> {
    const args = inputs.flatMap(({ id, checksum, bytes }) => [id, checksum, bytes]);
    const { client } = this.calls;
    const reply = await this.calls.runScript(list, (scanned) =>
      client.appendInputs(list, state, scanned, ...args),
    );
    return toStoredInputs(reply as unknown as (string | number)[], this.limits);
  }

  async read(keys: RedisKeys, fromOffset: number, limit: number): Promise<EventPage> {
    const reply = await this.calls.runScript(keys.list, (scanned) =>
      this.calls.reads
        .call(keys, ['inputs', scanned, fromOffset, limit], readCost)
        .catch(nullIfWrongType),
    );
    if (reply === null) return emptyPage(fromOffset);
    const page = await toPage(reply as unknown as PageReply, fromOffset);
    return { ...page, events: page.events.map(withoutEnding) };
  }
}

/** An input ends no stream, whatever its type. */
export function withoutEnding({ bytes, type }: StoredEvent): StoredEvent {
  return { bytes, type, ending: null };
}

/** Whether the inputs end elsewhere than they did, or their stream has ended. */
export function haveInputsMoved({ end }: StreamEnd, info: StreamInfo | null): boolean {
  if (info === null) return end.offset > 0;
  if (info.status !== 'open' || info.nextOffset !== end.offset) return true;
  return info.lastEvent !== null && tagAfter(info.lastEvent) !== end.tag;
}

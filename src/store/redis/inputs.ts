import type { StoredEvent } from '../../events/event.js';
import type { StoredInput } from '../../events/parse-inputs.js';
import { tagAfter } from '../../events/position.js';
import type { StreamLimits } from '../append-rules.js';
import type { EventPage, StoredRange, StreamEnd, StreamId, StreamInfo } from '../stream-manager.js';
import { nullIfWrongType } from './connection/redis-errors.js';
import { emptyPage, type PageReply, toPage } from './page-reader.js';
import type { RedisCalls } from './redis-calls.js';
import { inputsKeys, redisKeys } from './redis-keys.js';
import { toStoredInputs } from './script-client.js';

export interface RedisInputsOptions {
  readonly calls: RedisCalls;
  readonly prefix: string;
  readonly limits: StreamLimits;
}

/** The inputs of streams: a list beside the list of events, which only this service knows. */
export class RedisInputs {
  constructor(readonly options: RedisInputsOptions) {}

  /** As `StreamManager.appendInputs`. */
  async append(stream: StreamId, inputs: readonly StoredInput[]): Promise<StoredRange | null> {
    const { calls, limits } = this.options;
    const { list, state, inputs: log, ids } = this.#keysOf(stream);
    const args = inputs.flatMap(({ id, checksum, bytes }) => [id, checksum, bytes]);
    const reply = await calls.runScript(list, (scanned) =>
      calls.client.appendInputs(list, state, log, ids, scanned, ...args),
    );
    return toStoredInputs(reply as unknown as (string | number)[], limits);
  }

  async read(stream: StreamId, fromOffset: number, limit: number): Promise<EventPage> {
    const { calls } = this.options;
    const { list, state, inputs } = this.#keysOf(stream);
    const reply = await calls.runScript(list, (scanned) =>
      calls.client
        .readInputsBuffer(list, state, inputs, scanned, fromOffset, limit)
        .catch(nullIfWrongType),
    );
    if (reply === null) return emptyPage(fromOffset);
    const page = await toPage(reply as unknown as PageReply, fromOffset);
    return { ...page, events: page.events.map(withoutEnding) };
  }

  /** The last one of this many inputs; null when there is none. */
  async last(stream: StreamId, count: number): Promise<StoredEvent | null> {
    if (count === 0) return null;
    const { events } = await this.read(stream, count - 1, 1);
    return events[0] ?? null;
  }

  #keysOf(stream: StreamId) {
    const { prefix } = this.options;
    return { ...redisKeys(prefix, stream), ...inputsKeys(prefix, stream) };
  }
}

/** An input ends no stream, whatever its type. */
function withoutEnding({ bytes, type }: StoredEvent): StoredEvent {
  return { bytes, type, ending: null };
}

/** Whether the inputs end elsewhere than they did, or their stream has ended. */
export function haveInputsMoved({ end }: StreamEnd, info: StreamInfo | null): boolean {
  if (info === null) return end.offset > 0;
  if (info.status !== 'open' || info.nextOffset !== end.offset) return true;
  return info.lastEvent !== null && tagAfter(info.lastEvent) !== end.tag;
}

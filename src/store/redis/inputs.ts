import type { StoredEvent } from '../../events/event.js';
import type { StoredInput } from '../../events/parse-inputs.js';
import { tagAfter } from '../../events/position.js';
import type { StreamLimits } from '../append-rules.js';
import type {
  EventPage,
  LogId,
  StoredRange,
  StreamEnd,
  StreamId,
  StreamInfo,
} from '../stream-manager.js';
import { nullIfWrongType } from './connection/redis-errors.js';
import { emptyPage, type PageReply, toPage } from './page-reader.js';
import type { RedisCalls } from './redis-calls.js';
import { inputsKeys, redisKeys } from './redis-keys.js';
import { toStoredInputs } from './script-client.js';
import { groupsOf } from './slot-groups.js';
import { endsPerEvent, maxEndsAtOnce } from './stream-ends.js';

export interface RedisInputsOptions {
  readonly calls: RedisCalls;
  readonly prefix: string;
  readonly limits: StreamLimits;
  readonly getStatus: (log: LogId) => Promise<StreamInfo | null>;
}

interface InputEnd extends StreamEnd {
  readonly index: number;
  readonly list: string;
  readonly state: string;
  readonly cost: number;
}

/** The inputs of streams: a list beside the list of events, which only this service knows. */
export class RedisInputs {
  #calls = 0;

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

  /**
   * The indexes of the ends that are none any more, or whose stream has ended. Most are compared by the number of inputs;
   * another stream with as many is found by one of ten calls.
   */
  async findMoved(ends: readonly StreamEnd[]): Promise<number[]> {
    this.#calls += 1;
    const checks = ends.map(({ stream, end }, index) => {
      const { list, state } = this.#keysOf(stream);
      return { index, stream, end, list, state, cost: 1 };
    });
    const isRead = ({ index }: InputEnd) => (index + this.#calls) % endsPerEvent === 0;
    const { client } = this.options.calls;
    const counted = checks.filter((one) => !isRead(one));
    const moved = await Promise.all([
      ...groupsOf(counted, client, maxEndsAtOnce).map((group) => this.#findMovedOf(group)),
      ...checks.filter(isRead).map(async (one) => ((await this.#hasMoved(one)) ? [one] : [])),
    ]);
    return moved.flat().map(({ index }) => index);
  }

  async #findMovedOf(group: readonly InputEnd[]): Promise<InputEnd[]> {
    const { calls } = this.options;
    const keys = group.flatMap(({ list, state }) => [list, state]);
    const counts = group.map(({ end }) => end.offset);
    const found = await calls
      .run(() => calls.client.inputEnds(keys.length, ...keys, ...counts))
      .then((reply) => reply as readonly (number | null)[])
      .catch(() => []); // all of them are read, which fails with an error of its own
    return group.filter((_, index) => (found[index] ?? null) === null);
  }

  async #hasMoved({ stream, end }: StreamEnd): Promise<boolean> {
    const info = await this.options.getStatus(stream).catch(() => null);
    if (info === null) return end.offset > 0;
    if (info.status !== 'open' || info.nextOffset !== end.offset) return true;
    return info.lastEvent !== null && tagAfter(info.lastEvent) !== end.tag;
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

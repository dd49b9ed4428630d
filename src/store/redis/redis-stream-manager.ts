import type { BaseLogger } from 'pino';
import { ServiceError, withMoreStored } from '../../errors.js';
import type { StoredEvent } from '../../events/event.js';
import type { StoredInput } from '../../events/parse-inputs.js';
import { type ProducerStamp, producerFenced, tombstoneMs } from '../append-rules.js';
import { inputsGap } from '../input-rules.js';
import {
  type Appended,
  type AppendOptions,
  type ConnectedStore,
  type EventPage,
  infoOfInputs,
  type LeaseRenewal,
  type LeasingStore,
  type ListedStream,
  type LogId,
  type StoredRange,
  type StoreOptions,
  type StreamEnd,
  type StreamId,
  type StreamInfo,
  type StreamManager,
} from '../stream-manager.js';
import { RedisCluster } from './connection/redis-cluster.js';
import { isAway, isRejectedByPrimary, nullIfWrongType } from './connection/redis-errors.js';
import type { RedisOptions } from './connection/redis-options.js';
import { nothingScanned } from './foreign-elements.js';
import { RedisInputs } from './inputs.js';
import { RedisLeases } from './leases.js';
import { RedisNotifications } from './notifications.js';
import { readPage } from './page-reader.js';
import { RedisCalls } from './redis-calls.js';
import { leasesKey, listKey, type RedisKeys, redisKeys } from './redis-keys.js';
import {
  alone,
  appendArguments,
  createScriptClient,
  isTombstone,
  parseStatusReply,
  type Reply,
  readCost,
  type ScriptClient,
  toAppended,
} from './script-client.js';
import { ScriptQueue } from './script-queue.js';
import { RedisSessions } from './session-index.js';
import { StreamEnds } from './stream-ends.js';

export interface RedisStreamManagerOptions extends StoreOptions {
  readonly redis: RedisOptions;
  readonly logger: BaseLogger;
}

/**
 * Streams in Redis Lists, shared by any number of nodes and with other programs that push into
 * the same lists.
 */
export class RedisStreamManager implements StreamManager, ConnectedStore, LeasingStore {
  /** Pub/sub is at-most-once, and other programs push without a notification. */
  readonly notifiesReliably = false;
  readonly #client: ScriptClient;
  readonly #calls: RedisCalls;
  readonly #appends: ScriptQueue;
  readonly #notifications: RedisNotifications;
  readonly #ends: StreamEnds;
  readonly #inputs: RedisInputs;
  readonly #leases: RedisLeases;
  readonly #sessions: RedisSessions;

  constructor(readonly options: RedisStreamManagerOptions) {
    const { redis, logger, ttlMs, limits } = options;
    this.#client = createScriptClient(redis, logger, options);
    const client = this.#client;
    this.#appends = new ScriptQueue(client, (...args) => client.appendEventsBuffer(...args));
    this.#calls = new RedisCalls(client, logger);
    this.#ends = new StreamEnds(client, redis.prefix);
    this.#notifications = new RedisNotifications(redis, logger, this.#client);
    const shared = { calls: this.#calls, prefix: redis.prefix, ttlMs };
    const getStatus = (id: LogId) => this.getStatus(id);
    this.#inputs = new RedisInputs({ ...shared, limits, getStatus });
    this.#sessions = new RedisSessions({ ...shared, limits, getStatus });
    this.#leases = new RedisLeases({ calls: this.#calls, prefix: redis.prefix });
  }

  /** Number of channels that this process is subscribed to. */
  get watchedStreams(): number {
    return this.#notifications.channelCount;
  }

  get expiredLeases(): number {
    return this.#leases.expiredLeases;
  }

  get connections() {
    return {
      commands: this.#client.status === 'ready',
      notifications: this.#notifications.isUp,
    };
  }

  async appendEvents(
    id: StreamId,
    events: readonly StoredEvent[],
    options: AppendOptions = {},
  ): Promise<Appended> {
    const admitted = await this.#admit(id, options.leaseMs);
    const keys = this.#keysOf(id);
    const { args, cost } = appendArguments(events, options, !(admitted instanceof ServiceError));
    const reply = await this.#calls.runScript(keys.list, (scanned) =>
      // A scan is saved by a write, after which a full Redis would accept others too.
      this.#appends.call(keys, [scanned, ...args], scanned === nothingScanned ? cost : alone),
    );
    const [outcome, detail, , livesMs] = reply as Reply;
    const result = outcome.toString();
    if (result === 'skip') return this.#appendRest(id, events, options, detail as number);
    if (result === 'may_not_begin') throw withNothingStored(admitted as ServiceError);
    if (result === 'ok' && admitted === true) await this.#keepNoted(id, livesMs as number);
    return toAppended(reply as Reply, events, this.options.limits);
  }

  async renewLease(id: StreamId, renewal: LeaseRenewal): Promise<StreamInfo | null> {
    const { leaseMs, producer, inputsAckOffset = -1 } = renewal;
    if (leaseMs !== undefined) {
      await this.#calls
        .run(() => this.#leases.schedule(id, leaseMs))
        .catch((error: ServiceError) => {
          throw withNothingStored(error);
        });
    }
    const args = [
      producer?.id ?? '',
      leaseMs ?? 0,
      producer?.epoch ?? -1,
      inputsAckOffset,
    ] as const;
    return this.#status(id, args);
  }

  appendInputs(id: StreamId, inputs: readonly StoredInput[]): Promise<StoredRange | null> {
    return this.#inputs.append(id, inputs);
  }

  async getEvents(id: LogId, fromOffset: number, limit: number): Promise<EventPage> {
    if (id.log === 'inputs') return this.#inputs.read(id, fromOffset, limit);
    const list = listKey(this.options.redis.prefix, id);
    return this.#calls.run(() => readPage(this.#calls.reads, list, fromOffset, limit));
  }

  async getStatus(id: LogId, producerId = ''): Promise<StreamInfo | null> {
    return this.#status(id, [producerId, 0, -1, -1]);
  }

  listStreams(sessionId: string): Promise<readonly ListedStream[]> {
    return this.#sessions.list(sessionId);
  }

  findOpenStream(sessionId: string): Promise<string | null> {
    return this.#sessions.findOpen(sessionId);
  }

  async deleteStream(id: StreamId): Promise<void> {
    const { list, state } = this.#keysOf(id);
    await this.#calls.run(() =>
      this.#client.deleteStream(list, state, tombstoneMs).catch(nullIfWrongType),
    );
    await this.#calls.repair(() => this.#sessions.remove(id));
  }

  async wasDeleted(id: StreamId): Promise<boolean> {
    const { list, state } = this.#keysOf(id);
    const packed = await this.#calls.run(() =>
      this.#client.hgetBuffer(state, 's').catch(nullIfWrongType),
    );
    if (!isTombstone(packed)) return false;
    return (
      ((await this.#calls.run(() => this.#client.llen(list).catch(nullIfWrongType))) ?? 0) === 0
    );
  }

  async findMoved(ends: readonly StreamEnd[]): Promise<readonly number[]> {
    const indexes = [...ends.keys()];
    const ofInputs = indexes.filter((index) => ends[index]?.stream.log === 'inputs');
    const ofEvents = indexes.filter((index) => ends[index]?.stream.log !== 'inputs');
    const endsAt = (some: readonly number[]) => some.map((index) => ends[index] as StreamEnd);
    const [events, inputs] = await Promise.all([
      this.#ends.findMoved(endsAt(ofEvents)),
      this.#inputs.findMoved(endsAt(ofInputs)),
    ]);
    return [
      ...events.map((at) => ofEvents[at] as number),
      ...inputs.map((at) => ofInputs[at] as number),
    ];
  }

  watch(id: LogId, onChange: () => void): () => void {
    return this.#notifications.watchers.add(id, onChange);
  }

  /**
   * Sends a write without effect, which a replica rejects although it replies to PING: so the client
   * leaves a former primary for the new one. A cluster client sends to primaries in any case.
   */
  async ping(): Promise<void> {
    const client = this.#client;
    const noLease = [leasesKey(this.options.redis.prefix), ''] as const;
    await this.#calls.run<unknown>(() =>
      client instanceof RedisCluster
        ? client.ping()
        : client.zrem(...noLease).catch(ignoreRejectionByPrimary),
    );
  }

  async close(): Promise<void> {
    this.#leases.close();
    this.#notifications.close();
    this.#client.disconnect();
  }

  #keysOf(id: StreamId): RedisKeys {
    return redisKeys(this.options.redis.prefix, id);
  }

  /** Appends the rest of a batch; the script checks its sequence number again. */
  async #appendRest(
    id: StreamId,
    events: readonly StoredEvent[],
    options: AppendOptions,
    skipped: number,
  ): Promise<Appended> {
    const producer = options.producer as ProducerStamp;
    const rest = { ...options, producer: { ...producer, seq: producer.seq + skipped } };
    try {
      return await this.appendEvents(id, events.slice(skipped), rest);
    } catch (error) {
      throw error instanceof ServiceError ? withMoreStored(error, skipped) : error;
    }
  }

  async #status(
    id: LogId,
    args: readonly [producerId: string, leaseMs: number, epoch: number, ackOffset: number],
  ): Promise<StreamInfo | null> {
    const { ttlMs, maxAgeMs } = this.options;
    const keys = this.#keysOf(id);
    const reply = await this.#calls.runScript(keys.list, (scanned) =>
      this.#calls.reads.call(keys, ['status', scanned, ...args], readCost).catch(nullIfWrongType),
    );
    if (reply === null) return null;
    const outcome = reply[0].toString();
    if (outcome === 'fenced') throw producerFenced(reply[1] as number);
    if (outcome === 'inputs_gap') throw inputsGap(reply[1] as number);
    const { info, leaseMs, livesMs } = await parseStatusReply(reply, ttlMs);
    // Redis may have lost these hints: each read of a status repairs those of its stream.
    await Promise.all([
      this.#calls.repair(() => this.#sessions.note(id, livesMs ?? maxAgeMs)),
      leaseMs > 0 && this.#calls.repair(() => this.#leases.schedule(id, leaseMs)),
    ]);
    if (id.log === undefined) return info;
    return infoOfInputs(info, await this.#inputs.last(id, info.inputs.nextOffset));
  }

  /**
   * Writes the hints before an append, so that a crash in between cannot lose them. In a cluster, the node
   * of the session may be unavailable while that of the stream is not: then the next append adds it.
   *
   * @returns whether the stream was added to its session now, or the error when Redis or the session is
   *   full, which keeps new streams out but does not affect existing ones
   */
  async #admit(id: StreamId, leaseMs: number | undefined): Promise<boolean | ServiceError> {
    try {
      const admitted = await this.#calls.run(() => this.#sessions.admit(id)).catch(falseIfAway);
      if (leaseMs !== undefined) await this.#calls.run(() => this.#leases.schedule(id, leaseMs));
      return admitted;
    } catch (error) {
      throw withNothingStored(error as ServiceError);
    }
  }

  /** Extends the expiry of the session, which was set for the default time to live, to that of the stream. */
  async #keepNoted(id: StreamId, livesMs: number): Promise<void> {
    if (livesMs <= this.options.ttlMs) return;
    await this.#calls.repair(() => this.#sessions.keep(id, livesMs));
  }
}

/** False when the stream may be added to its session later; the error when there is no room for it. */
function falseIfAway(error: ServiceError): false | ServiceError {
  if (error.code === 'store_full' || error.code === 'session_full') return error;
  if (isAway(error)) return false;
  throw error;
}

function ignoreRejectionByPrimary(error: unknown): void {
  if (!isRejectedByPrimary(error)) throw error;
}

/** The error of a call before the append: no event was sent. */
function withNothingStored({ code, message, cause }: ServiceError): ServiceError {
  return new ServiceError(code, message, { stored: 0 }, { cause });
}

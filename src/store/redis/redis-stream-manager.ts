import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import { ServiceError, withMoreStored } from '../../errors.js';
import type { StoredEvent } from '../../events/stored-event.js';
import { leaseExpiredEvent } from '../lease.js';
import { type StreamLimits, tombstoneMs } from '../lifecycle.js';
import { type ProducerStamp, producerFenced } from '../producer.js';
import type { StreamId } from '../stream-id.js';
import type {
  Appended,
  AppendOptions,
  ConnectedStore,
  EventPage,
  LeaseRenewal,
  LeasingStore,
  ListedStream,
  StreamInfo,
  StreamManager,
} from '../stream-manager.js';
import { appendArguments, type Reply, toAppended } from './append-script-call.js';
import {
  type CommandClient,
  createCommandClient,
  createSubscriberClient,
  holdWrites,
  isConnected,
} from './connection/redis-client.js';
import { RedisCluster } from './connection/redis-cluster.js';
import {
  isAway,
  isRefusedByPrimary,
  isWrongType,
  notConnected,
  toServiceError,
} from './connection/redis-errors.js';
import type { RedisOptions } from './connection/redis-options.js';
import type { Seen } from './foreign-elements.js';
import { type NextLook, RedisLeases } from './leases.js';
import { RedisWakeUps } from './notifications.js';
import { emptyPage, readPage } from './page-reader.js';
import { leasesKey, type RedisKeys, redisKeys } from './redis-keys.js';
import { ScriptRunner } from './script-runner.js';
import { type NotedStream, SessionIndex } from './session-index.js';
import { toToldStream } from './status-reply.js';
import { SubscriptionCheck } from './subscription-check.js';

export interface RedisStreamManagerOptions {
  /** A stream is forgotten this long after its last append, unless it has a time of its own. */
  readonly ttlMs: number;
  /** How long after its beginning heartbeats keep a stream. */
  readonly maxAgeMs: number;
  readonly limits: StreamLimits;
  readonly redis: RedisOptions;
  readonly logger: BaseLogger;
}

/** For how many streams of a session Redis is asked before it has answered: others wait behind. */
const statusesAtOnce = 50;

/** For how many at first, to find one that is open: nearly always the one noted last is. */
const firstStatuses = 4;

/**
 * Streams in Redis Lists, shared by any number of nodes and with other programs that push into
 * the same lists.
 */
export class RedisStreamManager implements StreamManager, ConnectedStore, LeasingStore {
  /** Pub/sub delivers at most once, and other programs push without a word. */
  readonly notifiesReliably = false;
  readonly #client: CommandClient;
  readonly #subscriber: Redis;
  readonly #wakeUps: RedisWakeUps;
  readonly #probe: SubscriptionCheck;
  readonly #leases: RedisLeases;
  readonly #scripts: ScriptRunner;
  readonly #sessions: SessionIndex;
  #expiredLeases = 0;

  constructor(readonly options: RedisStreamManagerOptions) {
    const { redis, logger } = options;
    this.#client = createCommandClient(redis, logger);
    this.#scripts = new ScriptRunner(this.#client);
    this.#subscriber = createSubscriberClient(redis, logger, this.#client);
    this.#wakeUps = new RedisWakeUps(this.#subscriber, redis.prefix, logger);
    this.#probe = new SubscriptionCheck({
      client: this.#client,
      subscriber: this.#subscriber,
      prefix: redis.prefix,
      logger,
      isNeeded: () => this.watchedStreams > 0,
    });
    const { ttlMs, limits } = options;
    const { prefix } = redis;
    this.#sessions = new SessionIndex({
      client: this.#client,
      prefix,
      limits,
      ttlMs,
      lookAt: async (sessionId, noted) => {
        await this.#repair(() => this.#infosOf(sessionId, noted));
      },
    });
    this.#leases = new RedisLeases({
      client: this.#client,
      prefix: redis.prefix,
      logger,
      endLost: (stream, since, lookedAt) => this.#endLost(stream, since, lookedAt),
    });
  }

  /** How many channels this process is subscribed to. */
  get watchedStreams(): number {
    return this.#wakeUps.channelCount;
  }

  get expiredLeases(): number {
    return this.#expiredLeases;
  }

  get connections() {
    return {
      commands: this.#client.status === 'ready',
      wake_ups: this.#subscriber.status === 'ready' && !this.#probe.isDeaf,
    };
  }

  async appendEvents(
    id: StreamId,
    events: readonly StoredEvent[],
    options: AppendOptions = {},
  ): Promise<Appended> {
    const admitted = await this.#admit(id, options.leaseMs);
    const { ttlMs, limits, maxAgeMs } = this.options;
    const { list, state, channel } = this.#keysOf(id);
    const terms = { limits, maxAgeMs, mayBegin: !(admitted instanceof ServiceError) };
    const args = [channel, ...appendArguments(events, options, terms)];
    const reply = await this.#runScript(list, (seen) =>
      this.#client.appendEventsBuffer(list, state, ttlMs, ...seen, ...args),
    );
    const [outcome, detail, livesMs] = reply as Reply;
    const result = outcome.toString();
    if (result === 'skip') return this.#appendRest(id, events, options, detail as number);
    if (result === 'may_not_begin') throw withNothingStored(admitted as ServiceError);
    if (result === 'ok' && admitted === true) await this.#keepNoted(id, livesMs as number);
    return toAppended(reply as Reply, events, limits);
  }

  async renewLease(id: StreamId, { leaseMs, producer }: LeaseRenewal): Promise<StreamInfo | null> {
    await this.#run(() => this.#leases.hint(id, leaseMs)).catch((error: ServiceError) => {
      throw withNothingStored(error);
    });
    return this.#status(id, [producer?.id ?? '', leaseMs, producer?.epoch ?? -1]);
  }

  async getEvents(id: StreamId, fromOffset: number, limit: number): Promise<EventPage> {
    const { list } = this.#keysOf(id);
    try {
      this.#requireConnection();
      return await readPage(this.#client, list, fromOffset, limit);
    } catch (error) {
      if (isWrongType(error)) return emptyPage(fromOffset);
      throw asServiceError(error);
    }
  }

  async getStatus(id: StreamId, producerId = ''): Promise<StreamInfo | null> {
    return this.#status(id, [producerId, 0, -1]);
  }

  async listStreams(sessionId: string): Promise<readonly ListedStream[]> {
    const noted = await this.#run(() => this.#sessions.list(sessionId));
    const infos = await this.#infosOf(sessionId, noted);
    const listed = noted.flatMap(({ messageId }, index) => {
      const info = infos[index] ?? null;
      return info === null ? [] : [{ messageId, info }];
    });
    return listed.sort((one, other) => other.info.createdAt - one.info.createdAt);
  }

  async findOpenStream(sessionId: string): Promise<string | null> {
    const noted = await this.#run(() => this.#sessions.list(sessionId));
    let newest: ListedStream | null = null;
    let asked = 0;
    // A stream is noted when it begins and later: those noted before the newest one began are older.
    while (asked < noted.length && isNotedSince(noted[asked], newest)) {
      const some = noted.slice(asked, asked + (asked === 0 ? firstStatuses : statusesAtOnce));
      const infos = await this.#statusesOf(sessionId, some);
      for (const [index, { messageId }] of some.entries()) {
        const info = infos[index] ?? null;
        if (info?.status !== 'open') continue;
        if (newest === null || info.createdAt > newest.info.createdAt) newest = { messageId, info };
      }
      asked += some.length;
    }
    return newest?.messageId ?? null;
  }

  async deleteStream(id: StreamId): Promise<void> {
    const { list, state, channel } = this.#keysOf(id);
    await this.#run(() =>
      this.#client.deleteStream(list, state, channel, tombstoneMs).catch(nullIfWrongType),
    );
    await this.#repair(() => this.#sessions.remove(id));
  }

  async wasDeleted(id: StreamId): Promise<boolean> {
    const { list, state } = this.#keysOf(id);
    const status = await this.#run(() => this.#client.hget(state, 'status').catch(nullIfWrongType));
    if (status !== 'deleted') return false;
    return ((await this.#run(() => this.#client.llen(list).catch(nullIfWrongType))) ?? 0) === 0;
  }

  watch(id: StreamId, onChange: () => void): () => void {
    return this.#wakeUps.watchers.add(id, onChange);
  }

  /**
   * Writes nothing, by a command that a replica refuses though it answers PING: one that was the
   * primary is left for the new one then. A cluster client asks a primary for each key as it is.
   */
  async ping(): Promise<void> {
    const client = this.#client;
    const noLease = [leasesKey(this.options.redis.prefix), ''] as const;
    await this.#run<unknown>(() =>
      client instanceof RedisCluster
        ? client.ping()
        : client.zrem(...noLease).catch(ignoreRefusalByPrimary),
    );
  }

  async close(): Promise<void> {
    this.#leases.close();
    this.#probe.close();
    this.#wakeUps.watchers.clear();
    this.#subscriber.disconnect();
    this.#client.disconnect();
  }

  #keysOf(id: StreamId): RedisKeys {
    return redisKeys(this.options.redis.prefix, id);
  }

  /** Sends what the producer has not stored yet; the script checks again where that joins on. */
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

  /** Notes again those that live, and drops those gone. */
  async #infosOf(sessionId: string, noted: readonly NotedStream[]) {
    const infos = await this.#statusesOf(sessionId, noted);
    const gone = noted.filter((_, index) => infos[index] === null);
    await this.#repair(() => this.#sessions.drop(sessionId, gone));
    return infos;
  }

  async #statusesOf(sessionId: string, noted: readonly NotedStream[]) {
    const infos: (StreamInfo | null)[] = [];
    while (infos.length < noted.length) {
      const some = noted.slice(infos.length, infos.length + statusesAtOnce);
      holdWrites(this.#client);
      const asked = some.map(({ messageId }) => this.getStatus({ sessionId, messageId }));
      infos.push(...(await Promise.all(asked)));
    }
    return infos;
  }

  async #status(
    id: StreamId,
    args: readonly [producerId: string, leaseMs: number, epoch: number],
  ): Promise<StreamInfo | null> {
    const { list, state } = this.#keysOf(id);
    const { ttlMs, maxAgeMs } = this.options;
    const reply = await this.#runScript(list, (seen) =>
      this.#client
        .streamStatusBuffer(list, state, ttlMs, ...seen, ...args, maxAgeMs)
        .catch(nullIfWrongType),
    );
    if (reply === null) return null;
    if (reply[0].toString() === 'fenced') throw producerFenced(reply[1] as number);
    const { info, leaseMs, livesMs } = await toToldStream(reply, ttlMs);
    // Deadlines are hints, and may have been lost: whoever looks at a stream repairs its own.
    await Promise.all([
      this.#repair(() => this.#sessions.note(id, livesMs ?? maxAgeMs)),
      leaseMs > 0 && this.#repair(() => this.#leases.hint(id, leaseMs)),
    ]);
    return info;
  }

  /**
   * Writes what has to be there before an append, lest a crash between the two leave it out. In a
   * cluster the session may be away and the stream not: the next append notes it then.
   *
   * @returns whether the stream was noted now, or why it could not be: there is no room in Redis or
   *   in the session, which keeps no stream from going on, or ending, that is there
   */
  async #admit(id: StreamId, leaseMs: number | undefined): Promise<boolean | ServiceError> {
    try {
      const admitted = await this.#run(() => this.#sessions.admit(id)).catch(falseIfAway);
      if (leaseMs !== undefined) await this.#run(() => this.#leases.hint(id, leaseMs));
      return admitted;
    } catch (error) {
      throw withNothingStored(error as ServiceError);
    }
  }

  /** The session was noted for the usual time to live, before that of the stream was known. */
  async #keepNoted(id: StreamId, livesMs: number): Promise<void> {
    if (livesMs <= this.options.ttlMs) return;
    await this.#repair(() => this.#sessions.keep(id, livesMs));
  }

  /** What only mends hints may fail: a full Redis is to be readable. */
  async #repair(call: () => Promise<unknown>): Promise<void> {
    await this.#run(call).catch((error: ServiceError) => {
      this.options.logger.debug({ code: error.code }, 'A hint could not be mended');
    });
  }

  /** @throws ServiceError when Redis is away or refuses */
  async #run<T>(call: () => Promise<T>): Promise<T> {
    this.#requireConnection();
    try {
      return await call();
    } catch (error) {
      throw asServiceError(error);
    }
  }

  async #endLost(id: StreamId, since: number, lookedAt: number): Promise<NextLook> {
    const { list, state, channel } = this.#keysOf(id);
    const args = [channel, since, lookedAt, leaseExpiredEvent().bytes];
    const reply = await this.#runScript(list, (seen) =>
      this.#client
        .endLostBuffer(list, state, this.options.ttlMs, ...seen, ...args)
        .catch(nullIfWrongType),
    );
    const [outcome, next] = reply ?? [];
    if (outcome?.toString() === 'lost') {
      this.#expiredLeases += 1;
      this.options.logger.info({ ...id }, 'A producer was lost');
    }
    return outcome?.toString() === 'later' ? (next as number) : null;
  }

  async #runScript(list: string, call: (seen: Seen) => Promise<unknown>): Promise<Reply | null> {
    return this.#run(() =>
      this.#scripts.run(list, (seen) => {
        this.#requireConnection();
        return call(seen);
      }),
    );
  }

  /** Without a connection nothing is sent, and the caller may know that nothing was done. */
  #requireConnection(): void {
    if (!isConnected(this.#client)) throw notConnected();
  }
}

function isNotedSince(noted: NotedStream | undefined, newest: ListedStream | null): boolean {
  return newest === null || (noted !== undefined && noted.notedAt >= newest.info.createdAt);
}

function asServiceError(error: unknown): ServiceError {
  return error instanceof ServiceError ? error : toServiceError(error);
}

/** Of what is noted before an append: false where it may be noted later, the error where it has no room. */
function falseIfAway(error: ServiceError): false | ServiceError {
  if (error.code === 'store_full' || error.code === 'session_full') return error;
  if (isAway(error)) return false;
  throw error;
}

function ignoreRefusalByPrimary(error: unknown): void {
  if (!isRefusedByPrimary(error)) throw error;
}

function nullIfWrongType(error: unknown): null {
  if (isWrongType(error)) return null;
  throw error;
}

/** The deadline is set before the append, so when it fails, no event was sent. */
function withNothingStored({ code, message, cause }: ServiceError): ServiceError {
  return new ServiceError(code, message, { stored: 0 }, { cause });
}

import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import { toLogFields } from '../../errors.js';
import type { LogId } from '../stream-manager.js';
import { Watchers } from '../watchers.js';
import {
  type CommandClient,
  createSubscriberClient,
  isConnected,
} from './connection/redis-client.js';
import type { RedisOptions } from './connection/redis-options.js';
import { channelOf, logKeyOfChannel } from './redis-keys.js';

/** Max channels in one SUBSCRIBE or UNSUBSCRIBE. */
const channelsPerCommand = 500;

/** For how long changes are gathered. Until a subscription is there, watchers get no notification: see `#subscribe`. */
const gatherMs = 5;

/**
 * Notifications over pub/sub: one channel for each watched stream, however many watch it in this
 * process.
 */
export class RedisNotifications {
  readonly watchers = new Watchers({
    onFirst: (log) => this.#change(log, true),
    onLast: (log) => this.#change(log, false),
    onFailure: (error) => this.logger.error(toLogFields(error), 'A watcher failed'),
  });
  readonly #channels = new Set<string>();
  /** Channels that were added or removed in the last few milliseconds, which share commands. */
  readonly #changed = new Set<string>();
  readonly #subscriber: Redis;
  readonly #check: SubscriptionCheck;

  constructor(
    readonly redis: RedisOptions,
    readonly logger: BaseLogger,
    client: CommandClient,
  ) {
    const { prefix } = redis;
    const subscriber = createSubscriberClient(redis, logger, client);
    subscriber.on('message', (channel: string) => this.#notify(channel));
    subscriber.on('ready', () => this.#resubscribe());
    const isNeeded = () => this.channelCount > 0;
    this.#check = new SubscriptionCheck({ client, subscriber, prefix, logger, isNeeded });
    this.#subscriber = subscriber;
  }

  /** Whether notifications arrive, as far as is known. */
  get isUp(): boolean {
    return this.#subscriber.status === 'ready' && !this.#check.isStale;
  }

  /** Number of channels that this process is or will be subscribed to. */
  get channelCount(): number {
    return this.#channels.size;
  }

  close(): void {
    this.#check.close();
    this.watchers.clear();
    this.#subscriber.disconnect();
  }

  #change(log: LogId, isWatched: boolean): void {
    const channel = channelOf(this.redis.prefix, log);
    if (isWatched) this.#channels.add(channel);
    else this.#channels.delete(channel);
    if (this.#changed.size === 0) setTimeout(() => this.#applyChanges(), gatherMs);
    this.#changed.add(channel);
  }

  #applyChanges(): void {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const channels of chunksOf(changed.filter((one) => this.#channels.has(one)))) {
      this.#subscribe(channels);
    }
    for (const channels of chunksOf(changed.filter((one) => !this.#channels.has(one)))) {
      this.#unsubscribe(channels);
    }
  }

  /** Subscribes, then notifies the watchers, so that they read appends made before the subscription. */
  #subscribe(channels: readonly string[]): void {
    if (this.#subscriber.status !== 'ready') return; // `#resubscribe` will do it
    this.#subscriber.subscribe(...channels).then(
      () => {
        for (const channel of channels) this.#notify(channel);
      },
      (error: Error) => this.#logFailure(error),
    );
  }

  #unsubscribe(channels: readonly string[]): void {
    if (this.#subscriber.status !== 'ready') return;
    this.#subscriber.unsubscribe(...channels).catch((error: Error) => this.#logFailure(error));
  }

  #resubscribe(): void {
    for (const channels of chunksOf([...this.#channels])) this.#subscribe(channels);
  }

  #notify(channel: string): void {
    if (!this.#channels.has(channel)) return;
    this.watchers.notify(logKeyOfChannel(this.redis.prefix, channel));
  }

  /** Only logs a failure, since the watchers poll. */
  #logFailure(error: Error): void {
    this.logger.debug({ reason: error.message }, 'A subscription to notifications failed');
  }
}

export interface SubscriptionCheckOptions {
  readonly client: CommandClient;
  readonly subscriber: Redis;
  readonly prefix: string;
  readonly logger: BaseLogger;
  /** Whether any stream is watched. */
  readonly isNeeded: () => boolean;
}

const checkIntervalMs = 5000;

/** Max time that a message may take through Redis. */
const maxDelayMs = 2000;

/**
 * Publishes to itself now and then. A subscription may be up and deliver nothing, for instance at a
 * server that is no longer the primary: then it is stale, and is replaced.
 */
class SubscriptionCheck {
  readonly #channel: string;
  readonly #timer: NodeJS.Timeout;
  #sent = 0;
  #received = 0;
  #isStale = false;

  constructor(readonly options: SubscriptionCheckOptions) {
    const { prefix, subscriber } = options;
    this.#channel = `${prefix}::probe:${randomUUID()}`;
    this.#timer = setInterval(() => this.#publish(), checkIntervalMs);
    subscriber.on('ready', () => {
      this.#received = this.#sent; // messages sent before the reconnect are not expected any more
      void this.#subscribe();
    });
    subscriber.on('message', (channel: string, text: string) => {
      if (channel === this.#channel) this.#receive(Number(text));
    });
  }

  /** Whether the last message of the check was lost. */
  get isStale(): boolean {
    return this.#isStale;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #subscribe(): Promise<unknown> {
    const { subscriber, logger } = this.options;
    return subscriber.subscribe(this.#channel).catch(({ message: reason }: Error) => {
      // The next check will find the subscription stale.
      logger.debug({ reason }, 'The check could not subscribe');
    });
  }

  #publish(): void {
    const { client, subscriber, isNeeded } = this.options;
    if (!isNeeded() || subscriber.status !== 'ready' || !isConnected(client)) return;
    this.#sent += 1;
    const number = this.#sent;
    client.publish(this.#channel, String(number)).then(
      // The immediate runs after messages that arrived while the process was busy.
      () => setTimeout(() => setImmediate(() => this.#expect(number)), maxDelayMs).unref(),
      () => {}, // nothing was sent: the log of the command connection has the reason
    );
  }

  #receive(number: number): void {
    this.#received = number;
    if (!this.#isStale) return;
    this.#isStale = false;
    this.options.logger.info('Notifications come through Redis again');
  }

  #expect(number: number): void {
    const { subscriber, logger } = this.options;
    if (this.#received >= number || subscriber.status !== 'ready') return;
    if (!this.#isStale) {
      logger.warn('No notifications come through Redis; the subscription is renewed');
    }
    this.#isStale = true;
    subscriber.disconnect(true);
  }
}

function chunksOf(channels: readonly string[]): string[][] {
  const count = Math.ceil(channels.length / channelsPerCommand);
  return Array.from({ length: count }, (_, index) =>
    channels.slice(index * channelsPerCommand, (index + 1) * channelsPerCommand),
  );
}

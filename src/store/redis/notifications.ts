import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import { toLogFields } from '../../errors.js';
import type { StreamId } from '../stream-id.js';
import { Watchers } from '../watchers.js';
import { type CommandClient, createSubscriberClient } from './connection/redis-client.js';
import type { RedisOptions } from './connection/redis-options.js';
import { redisKeys, streamKeyOfChannel } from './redis-keys.js';
import { SubscriptionCheck } from './subscription-check.js';

/** Max channels in one SUBSCRIBE after a reconnect. */
const channelsPerSubscribe = 500;

/**
 * Notifications over pub/sub: one channel for each watched stream, however many watch it in this
 * process.
 */
export class RedisNotifications {
  readonly watchers = new Watchers({
    onFirst: (stream) => this.#subscribe([this.#channelOf(stream)]),
    onLast: (stream) => this.#unsubscribe(this.#channelOf(stream)),
    onFailure: (error) => this.logger.error(toLogFields(error), 'A watcher failed'),
  });
  readonly #channels = new Set<string>();
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

  /** Subscribes, then notifies the watchers, so that they read appends made before the subscription. */
  #subscribe(channels: readonly string[]): void {
    for (const channel of channels) this.#channels.add(channel);
    if (this.#subscriber.status !== 'ready') return; // `#resubscribe` will do it
    this.#subscriber.subscribe(...channels).then(
      () => {
        for (const channel of channels) this.#notify(channel);
      },
      (error: Error) => this.#logFailure(error),
    );
  }

  #unsubscribe(channel: string): void {
    this.#channels.delete(channel);
    if (this.#subscriber.status !== 'ready') return;
    this.#subscriber.unsubscribe(channel).catch((error: Error) => this.#logFailure(error));
  }

  #resubscribe(): void {
    const channels = [...this.#channels];
    for (let from = 0; from < channels.length; from += channelsPerSubscribe) {
      this.#subscribe(channels.slice(from, from + channelsPerSubscribe));
    }
  }

  #notify(channel: string): void {
    if (!this.#channels.has(channel)) return;
    this.watchers.notify(streamKeyOfChannel(this.redis.prefix, channel));
  }

  /** Only logs a failure, since the watchers poll. */
  #logFailure(error: Error): void {
    this.logger.debug({ reason: error.message }, 'A subscription to notifications failed');
  }

  #channelOf(stream: StreamId): string {
    return redisKeys(this.redis.prefix, stream).channel;
  }
}

import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import { toLogFields } from '../../errors.js';
import type { StreamId } from '../stream-id.js';
import { Watchers } from '../watchers.js';
import { redisKeys, streamKeyOfChannel } from './redis-keys.js';

/** How many channels one SUBSCRIBE names after a reconnect. */
const channelsPerSubscribe = 500;

/** Wake-ups over pub/sub: one channel a watched stream, however many watch it in this process. */
export class RedisWakeUps {
  readonly watchers = new Watchers({
    onFirst: (stream) => this.#subscribe([this.#channelOf(stream)]),
    onLast: (stream) => this.#unsubscribe(this.#channelOf(stream)),
    onFailure: (error) => this.logger.error(toLogFields(error), 'A watcher failed'),
  });
  readonly #channels = new Set<string>();

  constructor(
    readonly client: Redis,
    readonly prefix: string,
    readonly logger: BaseLogger,
  ) {
    client.on('message', (channel: string) => this.#wake(channel));
    client.on('ready', () => this.#resubscribe());
  }

  /** How many channels this process wants to be subscribed to. */
  get channelCount(): number {
    return this.#channels.size;
  }

  /** Subscribes, then wakes: what was appended before the subscription stood is read now. */
  #subscribe(channels: readonly string[]): void {
    for (const channel of channels) this.#channels.add(channel);
    if (this.client.status !== 'ready') return; // `#resubscribe` does it
    this.client.subscribe(...channels).then(
      () => {
        for (const channel of channels) this.#wake(channel);
      },
      (error: Error) => this.#logFailure(error),
    );
  }

  #unsubscribe(channel: string): void {
    this.#channels.delete(channel);
    if (this.client.status !== 'ready') return;
    this.client.unsubscribe(channel).catch((error: Error) => this.#logFailure(error));
  }

  #resubscribe(): void {
    const channels = [...this.#channels];
    for (let from = 0; from < channels.length; from += channelsPerSubscribe) {
      this.#subscribe(channels.slice(from, from + channelsPerSubscribe));
    }
  }

  #wake(channel: string): void {
    if (!this.#channels.has(channel)) return;
    this.watchers.notify(streamKeyOfChannel(this.prefix, channel));
  }

  /** No more than a log line: the watchers poll. */
  #logFailure(error: Error): void {
    this.logger.debug({ reason: error.message }, 'A subscription to wake-ups failed');
  }

  #channelOf(stream: StreamId): string {
    return redisKeys(this.prefix, stream).channel;
  }
}

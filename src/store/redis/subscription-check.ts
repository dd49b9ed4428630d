import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import { type CommandClient, isConnected } from './connection/redis-client.js';

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
export class SubscriptionCheck {
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

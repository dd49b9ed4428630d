import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import { type CommandClient, isConnected } from './connection/redis-client.js';

export interface WakeUpProbeOptions {
  readonly client: CommandClient;
  readonly subscriber: Redis;
  readonly prefix: string;
  readonly logger: BaseLogger;
  /** Whether anybody waits for wake-ups. */
  readonly isNeeded: () => boolean;
}

const everyMs = 5000;

/** How long a message may be on its way through Redis. */
const patienceMs = 2000;

/**
 * Publishes to itself now and then. A subscription may stand and deliver nothing, for instance at a
 * server that is primary no more: then it is made anew.
 */
export class SubscriptionCheck {
  readonly #channel: string;
  readonly #turns: NodeJS.Timeout;
  #sent = 0;
  #heard = 0;
  #isDeaf = false;

  constructor(readonly options: WakeUpProbeOptions) {
    const { prefix, subscriber } = options;
    this.#channel = `${prefix}::probe:${randomUUID()}`;
    this.#turns = setInterval(() => this.#probe(), everyMs);
    subscriber.on('ready', () => {
      this.#heard = this.#sent; // what was said to the connection before is not expected of this one
      void this.#subscribe();
    });
    subscriber.on('message', (channel: string, text: string) => {
      if (channel === this.#channel) this.#note(Number(text));
    });
  }

  /** Whether the last message to itself has not come. */
  get isDeaf(): boolean {
    return this.#isDeaf;
  }

  close(): void {
    clearInterval(this.#turns);
  }

  #subscribe(): Promise<unknown> {
    const { subscriber, logger } = this.options;
    return subscriber.subscribe(this.#channel).catch(({ message: reason }: Error) => {
      logger.debug({ reason }, 'The subscription to the probe failed'); // the next one is not heard
    });
  }

  #probe(): void {
    const { client, subscriber, isNeeded } = this.options;
    if (!isNeeded() || subscriber.status !== 'ready' || !isConnected(client)) return;
    this.#sent += 1;
    const number = this.#sent;
    client.publish(this.#channel, String(number)).then(
      // The immediate comes after what has arrived while the process was busy.
      () => setTimeout(() => setImmediate(() => this.#judge(number)), patienceMs).unref(),
      () => {}, // nothing was sent: the connection for commands reports it
    );
  }

  #note(number: number): void {
    this.#heard = number;
    if (!this.#isDeaf) return;
    this.#isDeaf = false;
    this.options.logger.info('Wake-ups come through Redis again');
  }

  #judge(number: number): void {
    const { subscriber, logger } = this.options;
    if (this.#heard >= number || subscriber.status !== 'ready') return;
    if (!this.#isDeaf) {
      logger.warn('No wake-ups come through Redis; the subscription is made anew');
    }
    this.#isDeaf = true;
    subscriber.disconnect(true);
  }
}

import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import { examineServer } from './server-report.js';

/** As many as tell an operator what is wrong; a server may give a new reason with every attempt. */
const maxReasons = 10;

/**
 * One line for each reason that a server is unreachable, and one when it is back, however many
 * attempts lie between: behind a timeout may be a certificate that is not trusted.
 */
export class ConnectionLog {
  /** Those in the log, by server, since it was last reached. */
  readonly #reasons = new Map<string, Set<string>>();

  /** @param client the name of the connections in the log */
  constructor(
    readonly logger: BaseLogger,
    readonly client: string,
  ) {}

  /**
   * @param redis where the server is
   * @param examines whether the server is asked what it is each time it is connected
   */
  follow(client: Redis, redis: string, { examines }: { examines: boolean }): void {
    client.on('error', (error: Error) => this.noteFailure(redis, error));
    client.on('ready', () => {
      this.noteSuccess(redis);
      this.logger.info({ redis, client: this.client }, 'Redis is connected');
      if (examines) void examineServer(client, redis, this.logger);
    });
  }

  /** The next failure is a new one. */
  noteSuccess(redis: string): void {
    this.#reasons.delete(redis);
  }

  noteFailure(redis: string, error: Error): void {
    const { message: reason } = error;
    const kind = reason.replaceAll(/\d+/g, '0'); // "Retrying from scratch after 50ms", then 100
    const reasons = this.#reasons.get(redis) ?? new Set();
    if (reasons.has(kind) || reasons.size >= maxReasons) return;
    this.#reasons.set(redis, reasons.add(kind));
    this.logger.error({ redis, client: this.client, reason }, 'Redis is unreachable');
  }
}

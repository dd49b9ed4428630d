import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import { examineServer } from './server-report.js';

/** Max number of logged reasons: enough to tell what is wrong, as every attempt may fail for a new one. */
const maxReasons = 10;

/**
 * Logs one line for each reason that a server is unreachable, and one when it is back, however many
 * attempts are in between: a timeout may be followed by the real reason, an untrusted certificate.
 */
export class ConnectionLog {
  /** The reasons logged since a server was last reached, by server. */
  readonly #reasons = new Map<string, Set<string>>();

  /** @param client name of the connections in the log */
  constructor(
    readonly logger: BaseLogger,
    readonly client: string,
  ) {}

  /**
   * @param redis address of the server
   * @param examines whether the version and settings of the server are checked at each connection
   */
  follow(client: Redis, redis: string, { examines }: { examines: boolean }): void {
    client.on('error', (error: Error) => this.noteFailure(redis, error));
    client.on('ready', () => {
      this.noteSuccess(redis);
      this.logger.info({ redis, client: this.client }, 'Redis is connected');
      if (examines) void examineServer(client, redis, this.logger);
    });
  }

  /** Resets the logged reasons, so that the next failure is logged again. */
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

import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import { examineServer } from './server-report.js';

/** One line when a server goes and one when it is back, however many attempts lie between. */
export class ConnectionLog {
  readonly #unreachable = new Set<string>();

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
    this.#unreachable.delete(redis);
  }

  noteFailure(redis: string, error: Error): void {
    if (this.#unreachable.has(redis)) return;
    this.#unreachable.add(redis);
    const fields = { redis, client: this.client, reason: error.message };
    this.logger.error(fields, 'Redis is unreachable');
  }
}

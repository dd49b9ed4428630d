import type { BaseLogger } from 'pino';
import { ServiceError } from '../../errors.js';
import { isConnected } from './connection/redis-client.js';
import { notConnected, toServiceError } from './connection/redis-errors.js';
import { nothingScanned, type Scanned, scanForeignElements } from './foreign-elements.js';
import type { Reply, ScriptClient } from './script-client.js';
import { ScriptQueue } from './script-queue.js';

/** Max calls of a script, which is repeated when another program has pushed meanwhile. */
const maxScriptCalls = 100;

/** Calls of Redis, which fail with a `ServiceError` only. */
export class RedisCalls {
  /** Statuses and pages. */
  readonly reads: ScriptQueue;

  constructor(
    readonly client: ScriptClient,
    readonly logger: BaseLogger,
  ) {
    this.reads = new ScriptQueue(client, (...args) => client.readStreamsBuffer(...args));
  }

  /**
   * Without a connection nothing is sent, and the error says that nothing was executed.
   *
   * @throws ServiceError when Redis is away or rejects the call
   */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (!isConnected(this.client)) throw notConnected();
    try {
      return await call();
    } catch (error) {
      throw toServiceError(error);
    }
  }

  /** Runs a script on a stream, and repeats it until all foreign elements are scanned. */
  async runScript(
    list: string,
    call: (scanned: Scanned) => Promise<unknown>,
  ): Promise<Reply | null> {
    let scanned = nothingScanned;
    for (let calls = 0; calls < maxScriptCalls; calls += 1) {
      const some = scanned;
      const reply = (await this.run(() => call(some))) as Reply | null;
      if (reply?.[0].toString() !== 'unscanned') return reply;
      const from = reply[1] as number;
      scanned = await this.run(() => scanForeignElements(this.reads, list, from));
    }
    const message = 'another program pushes faster than its events can be read';
    throw new ServiceError('backend_unavailable', message, { stored: 0 });
  }

  /** A call that only repairs hints. It may fail, as reads must work on a full Redis. */
  async repair(call: () => Promise<unknown>): Promise<void> {
    await this.run(call).catch((error: ServiceError) => {
      this.logger.debug({ code: error.code }, 'A hint could not be repaired');
    });
  }
}

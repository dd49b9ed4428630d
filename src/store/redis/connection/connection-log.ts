import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';

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

/** Redis 6.2 and later, and Valkey, which reports the version of Redis that it was forked from. */
const oldestSupported = [6, 2] as const;

/** Logs the version and settings of the server, and warns of those that put streams at risk. */
async function examineServer(client: Redis, redis: string, logger: BaseLogger): Promise<void> {
  try {
    const server = readInfo(await client.info());
    logger.info({ redis, ...server }, 'Redis was examined');
    for (const warning of warningsOf(server)) logger.warn({ redis, ...server }, warning);
  } catch (error) {
    logger.warn({ redis, reason: (error as Error).message }, 'Redis could not be examined');
  }
}

/** The fields of INFO, which managed servers allow even where they forbid CONFIG; undefined if missing. */
export function readInfo(text: string) {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(text)?.[1];
  return {
    version: field('redis_version'),
    valkeyVersion: field('valkey_version'),
    maxmemoryPolicy: field('maxmemory_policy'),
  };
}

export function warningsOf({ version, maxmemoryPolicy }: ReturnType<typeof readInfo>): string[] {
  const warnings: string[] = [];
  if (version !== undefined && !isSupported(version)) {
    warnings.push('This version of Redis is not supported: 6.2 or later is');
  }
  if (maxmemoryPolicy !== undefined && maxmemoryPolicy !== 'noeviction') {
    warnings.push(
      'Redis may evict streams that are being read: set maxmemory-policy to noeviction',
    );
  }
  return warnings;
}

function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldestSupported;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';

/** Redis 6.2 and later, and Valkey, which reports the version of Redis that it was forked from. */
const oldestSupported = [6, 2] as const;

/** Logs the version and settings of the server, and warns of those that put streams at risk. */
export async function examineServer(
  client: Redis,
  redis: string,
  logger: BaseLogger,
): Promise<void> {
  try {
    const server = readInfo(await client.info());
    logger.info({ redis, ...server }, 'Redis was examined');
    for (const warning of warningsOf(server)) logger.warn({ redis, ...server }, warning);
  } catch (error) {
    logger.warn({ redis, reason: (error as Error).message }, 'Redis could not be examined');
  }
}

/** Fields of INFO; undefined if missing. */
export interface ServerInfo {
  readonly version: string | undefined;
  readonly valkeyVersion: string | undefined;
  readonly maxmemoryPolicy: string | undefined;
}

/** Parses INFO, which managed servers allow even where they forbid CONFIG. */
export function readInfo(text: string): ServerInfo {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(text)?.[1];
  return {
    version: field('redis_version'),
    valkeyVersion: field('valkey_version'),
    maxmemoryPolicy: field('maxmemory_policy'),
  };
}

export function warningsOf({ version, maxmemoryPolicy }: ServerInfo): string[] {
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

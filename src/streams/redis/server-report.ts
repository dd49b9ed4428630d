import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';

/** Redis 6.2 and later, and Valkey, which names the version of Redis that it began as. */
const oldestSupported = [6, 2] as const;

/** Says in the log what the server is, and warns of what puts streams at risk. */
export async function examineServer(
  client: Redis,
  redis: string,
  logger: BaseLogger,
): Promise<void> {
  try {
    report(parseInfo(await client.info()), redis, logger);
  } catch (error) {
    logger.warn({ redis, reason: (error as Error).message }, 'Redis could not be examined');
  }
}

function report(info: ReadonlyMap<string, string>, redis: string, logger: BaseLogger): void {
  const version = info.get('redis_version');
  // `CONFIG GET` is forbidden on many managed servers; this is not.
  const maxmemoryPolicy = info.get('maxmemory_policy');
  const valkeyVersion = info.get('valkey_version');
  logger.info({ redis, version, valkeyVersion, maxmemoryPolicy }, 'Redis was examined');
  if (version !== undefined && !isSupported(version)) {
    logger.warn({ redis, version }, 'This version of Redis is not supported: 6.2 or later is');
  }
  if (maxmemoryPolicy !== undefined && maxmemoryPolicy !== 'noeviction') {
    logger.warn(
      { redis, maxmemoryPolicy },
      'Redis may evict streams that are being read: set maxmemory-policy to noeviction',
    );
  }
}

function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return (
    major > oldestSupported[0] || (major === oldestSupported[0] && minor >= oldestSupported[1])
  );
}

/** The lines `name:value` of INFO. */
function parseInfo(text: string): ReadonlyMap<string, string> {
  const pairs = text.split('\r\n').map((line) => line.split(':', 2) as [string, string]);
  return new Map(pairs.filter(([, value]) => value !== undefined));
}

import type { BaseLogger } from 'pino';
import type { StreamLimits } from './lifecycle.js';
import { MemoryStreamManager } from './memory/memory-stream-manager.js';
import type { RedisOptions } from './redis/connection/redis-options.js';
import { RedisStreamManager } from './redis/redis-stream-manager.js';
import type { StreamManager } from './stream-manager.js';

export const streamManagerTypes = ['memory', 'redis'] as const;
export type StreamManagerType = (typeof streamManagerTypes)[number];

export interface StreamManagerOptions {
  readonly type: StreamManagerType;
  readonly ttlMs: number;
  readonly maxAgeMs: number;
  readonly limits: StreamLimits;
  readonly memory: { readonly maxBytes: number; readonly maxStreams: number };
  readonly redis: RedisOptions;
  readonly logger: BaseLogger;
}

export function createStreamManager(options: StreamManagerOptions): StreamManager {
  const { type, ttlMs, maxAgeMs, limits, memory, redis, logger } = options;
  switch (type) {
    case 'memory':
      return new MemoryStreamManager({ ttlMs, maxAgeMs, limits, logger, ...memory });
    case 'redis':
      return new RedisStreamManager({ ttlMs, maxAgeMs, limits, redis, logger });
    default:
      throw new Error(`unknown stream manager type: ${String(type satisfies never)}`);
  }
}

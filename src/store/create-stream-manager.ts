import type { BaseLogger } from 'pino';
import {
  MemoryStreamManager,
  type MemoryStreamManagerOptions,
} from './memory/memory-stream-manager.js';
import type { RedisOptions } from './redis/connection/redis-options.js';
import { RedisStreamManager } from './redis/redis-stream-manager.js';
import type { StoreOptions, StreamManager } from './stream-manager.js';

export const streamManagerTypes = ['memory', 'redis'] as const;
export type StreamManagerType = (typeof streamManagerTypes)[number];

export interface StreamManagerOptions extends StoreOptions {
  readonly type: StreamManagerType;
  readonly memory: Pick<MemoryStreamManagerOptions, 'maxBytes' | 'maxStreams'>;
  readonly redis: RedisOptions;
  readonly logger: BaseLogger;
}

export function createStreamManager(options: StreamManagerOptions): StreamManager {
  if (options.type === 'redis') return new RedisStreamManager(options);
  return new MemoryStreamManager({ ...options, ...options.memory });
}

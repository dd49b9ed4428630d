import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { inject } from 'vitest';
import type { StreamLimits } from '../../src/store/append-rules.js';
import { MemoryStreamManager } from '../../src/store/memory/memory-stream-manager.js';
import type { RedisOptions } from '../../src/store/redis/connection/redis-options.js';
import { RedisStreamManager } from '../../src/store/redis/redis-stream-manager.js';
import type { StreamManager } from '../../src/store/stream-manager.js';
import { succeeds, waitFor } from './wait-for.js';

export interface BackendOptions {
  readonly ttlMs?: number;
  readonly maxAgeMs?: number;
  readonly limits?: Partial<StreamLimits>;
  /** memory only */
  readonly maxBytes?: number;
  readonly maxStreams?: number;
  /** redis only; by default the shared server, with a prefix of the caller's own */
  readonly redis?: Partial<RedisOptions>;
}

/** Makes a stream manager; the caller closes it. */
export interface Backend<Name extends string = string> {
  readonly name: Name;
  create(options?: BackendOptions): Promise<StreamManager & { readonly watchedStreams: number }>;
}

export const inputLimits = { maxStreamInputs: 1000, maxStreamInputBytes: 4 * 1024 ** 2 };

const defaultLimits: StreamLimits = {
  ...inputLimits,
  maxStreamEvents: 100_000,
  maxStreamBytes: 64 * 1024 ** 2,
  maxSessionStreams: 10_000,
};
const ttlMs = 3_600_000;
const maxAgeMs = 7 * 24 * 3_600_000;

export const memoryBackend: Backend<'memory'> = {
  name: 'memory',
  async create(options = {}) {
    return new MemoryStreamManager({
      ttlMs: options.ttlMs ?? ttlMs,
      maxAgeMs: options.maxAgeMs ?? maxAgeMs,
      limits: { ...defaultLimits, ...options.limits },
      maxBytes: options.maxBytes ?? 256 * 1024 ** 2,
      maxStreams: options.maxStreams ?? 100_000,
    });
  },
};

export const redisBackend: Backend<'redis'> = {
  name: 'redis',
  async create(options = {}) {
    const manager = new RedisStreamManager({
      ttlMs: options.ttlMs ?? ttlMs,
      maxAgeMs: options.maxAgeMs ?? maxAgeMs,
      limits: { ...defaultLimits, ...options.limits },
      redis: {
        ...sharedRedis(),
        prefix: `test-${randomUUID()}`,
        replyTimeoutMs: 60_000, // a busy machine stands still for long
        ...options.redis,
      },
      logger: silentLogger,
    });
    await waitFor('the stream manager is connected', () => succeeds(manager.ping()));
    return manager;
  },
};

/** @param where of the tests' own Redis, asked for each stream manager */
export function redisBackendOn(name: string, where: () => Partial<RedisOptions>): Backend {
  return {
    name,
    create: (options = {}) =>
      redisBackend.create({ ...options, redis: { ...where(), ...options.redis } }),
  };
}

export const backends: readonly Backend<'memory' | 'redis'>[] = [memoryBackend, redisBackend];

export const silentLogger = pino({ level: 'silent' });

/** The Redis that all tests share; each uses a prefix of its own. */
export function sharedRedis(): RedisOptions {
  return {
    mode: 'standalone',
    addresses: [{ host: '127.0.0.1', port: inject('redisPort') }],
    sentinelName: undefined,
    tls: null,
    username: undefined,
    password: undefined,
    db: 0,
    prefix: 'stream:events',
  };
}

import type { Cluster, Redis } from 'ioredis';

const statuses = ['', 'complete', 'stopped', 'failed', 'deleted'];

/** What `scripts/shared/state.lua` packs, as far as tests look at it; times in ms. */
export interface PackedState {
  readonly version: number;
  /** `complete`, `stopped`, `failed`, `deleted`, or `` while it is open. */
  readonly status: string;
  readonly length: number;
  readonly updatedAt: number;
  /** When the lease expires, or the stream has ended. */
  readonly at: number;
}

/** The state of a stream in Redis; null when there is none. */
export async function readState(redis: Redis | Cluster, key: string): Promise<PackedState | null> {
  const packed = await redis.hgetBuffer(key, 's');
  if (packed === null) return null;
  return {
    version: packed.readUInt8(0),
    status: statuses[packed.readUInt8(1) - 1] as string,
    length: packed.readUInt32BE(2),
    updatedAt: packed.readUIntBE(18, 6),
    at: packed.readUIntBE(24, 6),
  };
}

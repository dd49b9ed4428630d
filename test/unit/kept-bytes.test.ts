import { describe, expect, it } from 'vitest';
import { KeptBytes } from '../../src/store/memory/memory-stream.js';

const unlimited = Number.POSITIVE_INFINITY;

function keepAll(kept: KeptBytes, count: number, size: number): number {
  let taken = 0;
  for (let index = 0; index < count; index += 1) {
    taken += kept.reserve(size, unlimited);
    kept.keep(Buffer.alloc(size));
  }
  return taken;
}

describe('KeptBytes', () => {
  it('copies the bytes, so that the body they arrived in is not kept', () => {
    const kept = new KeptBytes();
    const body = Buffer.from('abcdef');
    kept.reserve(3, unlimited);
    const bytes = kept.keep(body.subarray(1, 4));
    body.fill('x');
    expect(bytes.toString()).toBe('bcd');
    expect(bytes.buffer.byteLength).toBe(3);
  });

  it('shares pieces of memory of which at most half is empty', () => {
    const kept = new KeptBytes();
    const taken = keepAll(kept, 1000, 100);
    expect(taken).toBeGreaterThanOrEqual(100_000);
    expect(taken).toBeLessThanOrEqual(200_000);
  });

  it('allocates at most 64 KiB ahead', () => {
    const kept = new KeptBytes();
    const taken = keepAll(kept, 10_000, 100);
    expect(taken - 1_000_000).toBeLessThanOrEqual(64 * 1024);
  });

  it('allocates no more than it is allowed to', () => {
    const kept = new KeptBytes();
    keepAll(kept, 1, 1000);
    expect(kept.growthFor(10)).toBe(10);
    expect(kept.reserve(10, 15)).toBe(15);
    kept.keep(Buffer.alloc(10));
    expect(kept.growthFor(5)).toBe(0);
    expect(kept.reserve(5, 0)).toBe(0);
    expect(kept.growthFor(6)).toBe(6);
  });
});

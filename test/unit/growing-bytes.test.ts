import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GrowingBytes } from '../../src/http/body/read-body.js';

const piece = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));

describe('GrowingBytes', () => {
  it('returns what was pushed, each time it is taken', () => {
    const rounds = fc.array(fc.array(piece, { maxLength: 30 }), { maxLength: 5 });
    fc.assert(
      fc.property(rounds, (bodies) => {
        const bytes = new GrowingBytes();
        const taken = bodies.map((pieces) => {
          for (const one of pieces) bytes.push(one);
          expect(bytes.length).toBe(Buffer.concat(pieces).length);
          return bytes.take();
        });
        // Compared at the end: what was taken stays as it was.
        expect(taken).toEqual(bodies.map((pieces) => Buffer.concat(pieces)));
      }),
    );
  });

  it('returns the very piece when there was only one', () => {
    const bytes = new GrowingBytes();
    const only = Buffer.from('only');
    bytes.push(only);
    expect(bytes.take().buffer).toBe(only.buffer);
  });

  it('does not change the pieces', () => {
    const bytes = new GrowingBytes();
    const first = Buffer.from('first, and more').subarray(0, 5);
    bytes.push(first);
    bytes.push(Buffer.from('X'));
    expect(first.toString()).toBe('first');
    expect(bytes.take().toString()).toBe('firstX');
  });

  it('takes at most twice its length in memory, however small the pieces are', () => {
    const bytes = new GrowingBytes();
    for (let count = 0; count < 100_000; count += 1) bytes.push(Buffer.from('x'));
    const { buffer, length } = bytes.take();
    expect(length).toBe(100_000);
    expect(buffer.byteLength).toBeLessThanOrEqual(2 * length);
  });
});

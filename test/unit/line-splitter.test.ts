import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Line, LineSplitter } from '../../src/http/body/line-splitter.js';

const maxBytes = 20;

/** All lines of a body that comes in these chunks. */
function linesOf(chunks: readonly Buffer[]): Line[] {
  const splitter = new LineSplitter(maxBytes);
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
}

/** Cuts at any places, also at one place twice. */
function cut(body: Buffer, places: readonly number[]): Buffer[] {
  const sorted = places.map((place) => place % (body.length + 1)).sort((x, y) => x - y);
  return [0, ...sorted].map((from, index) => body.subarray(from, sorted[index]));
}

const piece = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[a-z€🙂]{0,5}$/u) },
  { weight: 3, arbitrary: fc.constantFrom('\n', '\r\n', ' ', '\t', '\r') },
);
const body = fc.array(piece, { maxLength: 30 }).map((pieces) => Buffer.from(pieces.join('')));
const places = fc.array(fc.nat(200), { maxLength: 20 });

const isShort = (bytes: Buffer) =>
  bytes
    .toString('latin1')
    .split('\n')
    .every((line) => line.length <= maxBytes);

describe('LineSplitter', () => {
  it('returns the same lines wherever the body is cut', () => {
    fc.assert(
      fc.property(body.filter(isShort), places, (bytes, cuts) => {
        expect(linesOf(cut(bytes, cuts))).toEqual(linesOf([bytes]));
      }),
      { numRuns: 1000 },
    );
  });

  it('returns what stands between line feeds, without blank lines, counted from 1', () => {
    fc.assert(
      fc.property(body.filter(isShort), places, (bytes, cuts) => {
        const expected = bytes
          .toString()
          .split('\n')
          .map((text, index) => ({ number: index + 1, text: Buffer.from(text) }))
          .filter(({ text }) => /[^ \t\r]/.test(text.toString()));
        expect(linesOf(cut(bytes, cuts))).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('returns lines as they end, and the last one at the end of the body', () => {
    const splitter = new LineSplitter(maxBytes);
    expect(splitter.push(Buffer.from('one\ntw'))).toEqual([
      { number: 1, text: Buffer.from('one') },
    ]);
    expect(splitter.push(Buffer.from('o'))).toEqual([]);
    expect(splitter.push(Buffer.from('\n\nthree'))).toEqual([
      { number: 2, text: Buffer.from('two') },
    ]);
    expect(splitter.end()).toEqual([{ number: 4, text: Buffer.from('three') }]);
    expect(splitter.end()).toEqual([]);
  });

  it('detects at once that a line is too long, wherever it is cut, and keeps no more of it', () => {
    fc.assert(
      fc.property(body.filter(isShort), fc.integer({ min: 1, max: 9 }), (before, size) => {
        const splitter = new LineSplitter(maxBytes);
        const count = before.toString().split('\n').length;
        const endless = Buffer.concat([before, Buffer.alloc(maxBytes * 3, 'x')]);
        const starts = Array.from({ length: endless.length / size }, (_, index) => index * size);
        const lines = starts.flatMap((at) => splitter.push(endless.subarray(at, at + size)));
        const long = lines.find(({ text }) => text.length > maxBytes);
        expect(long?.number).toBe(count);
        expect(long?.text.length).toBeLessThanOrEqual(maxBytes + 1 + size);
      }),
    );
  });
});

import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  formatPosition,
  matches,
  parsePosition,
  tagAfter,
  tagAt,
} from '../../src/events/position.js';
import { answer } from '../support/events.js';

describe('A position', () => {
  it.each([
    ['0', { offset: 0, tag: 0 }],
    ['0-00000000', { offset: 0, tag: 0 }],
    ['17', { offset: 17, tag: null }],
    ['17-9f2c01ab', { offset: 17, tag: 0x9f2c01ab }],
    ['9007199254740991', { offset: 9007199254740991, tag: null }],
  ])('is read from %s', (text, position) => {
    expect(parsePosition(text)).toEqual(position);
  });

  it.each(['', '-1', '01', '1-', '1-9F2C01AB', '1-9f2c01a', '9007199254740992', '1 ', '１'])(
    'is not read from "%s"',
    (text) => {
      expect(parsePosition(text)).toBeNull();
    },
  );

  it('is written with a checksum of eight digits, and as 0 at the start', () => {
    expect(formatPosition(17, 42)).toBe('17-0000002a');
    expect(formatPosition(0, 0)).toBe('0');
  });

  it('has the CRC-32 of the stored bytes before it as a checksum', () => {
    const event = answer('x');
    expect(tagAfter(event)).toBe(crc32(event.bytes));
    expect(tagAt(3, event)).toBe(tagAfter(event));
    expect(tagAt(0, undefined)).toBe(0);
    expect(tagAt(3, undefined)).toBeNull();
  });

  it('matches where the checksum is the same, or where the client sent none', () => {
    expect(matches({ offset: 3, tag: 7 }, 7)).toBe(true);
    expect(matches({ offset: 3, tag: 7 }, 8)).toBe(false);
    expect(matches({ offset: 3, tag: null }, 8)).toBe(true);
    expect(matches({ offset: 3, tag: null }, null)).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { maxBatchEvents } from '../../src/events/event.js';
import * as header from '../../src/http/routes/append-json.js';
import { producerHeaders } from '../support/producers.js';

const invalid = expect.objectContaining({ code: 'invalid_header' });
const largest = Number.MAX_SAFE_INTEGER - maxBatchEvents;

type Headers = Record<string, string>;

function requestWith(headers: Headers): header.RequestHeaders {
  return { headers, rawHeaders: Object.entries(headers).flat() };
}

const producerStamp = (headers: Headers) => header.producerStamp(requestWith(headers));
const producerEpoch = (headers: Headers) => header.producerEpoch(requestWith(headers));
const leaseMs = (headers: Headers) => header.leaseMs(requestWith(headers));

describe('The headers of a producer', () => {
  it('have its id, epoch and sequence number', () => {
    expect(producerStamp(producerHeaders(7, 3, 'w 1'))).toEqual({ id: 'w 1', epoch: 3, seq: 7 });
    expect(producerEpoch(producerHeaders(7, 3))).toEqual({ id: 'w', epoch: 3 });
  });

  it('may be absent, all together', () => {
    expect(producerStamp({})).toBeUndefined();
    expect(producerEpoch({})).toBeUndefined();
    expect(leaseMs({})).toBeUndefined();
  });

  it.each(['producer-id', 'producer-epoch', 'producer-seq'])(
    'are required together with %s',
    (name) => {
      const { [name]: _missing, ...rest } = producerHeaders(0);
      expect(() => producerStamp(rest)).toThrow(invalid);
      const alone = { [name]: producerHeaders(0)[name] as string };
      expect(() => producerStamp(alone)).toThrow(invalid);
    },
  );

  it.each(['', '-1', '-0', '+1', '00', '01', '1.0', '1e3', '0x1', 'NaN', ' 1', '1, 1', '１'])(
    'accept no number like "%s"',
    (text) => {
      for (const name of ['producer-epoch', 'producer-seq']) {
        expect(() => producerStamp({ ...producerHeaders(0), [name]: text })).toThrow(invalid);
      }
      expect(() => leaseMs({ 'producer-lease': text })).toThrow(invalid);
    },
  );

  it('leave room for a batch above the largest number', () => {
    expect(producerStamp(producerHeaders(largest, largest))).toMatchObject({ seq: largest });
    for (const [seq, epoch] of [
      [largest + 1, 0],
      [0, largest + 1],
      [2 ** 63, 0],
    ] as const) {
      expect(() => producerStamp(producerHeaders(seq, epoch))).toThrow(invalid);
    }
  });

  it('accept an id of 1 to 128 characters', () => {
    expect(producerStamp(producerHeaders(0, 0, 'x'.repeat(128)))?.id).toHaveLength(128);
    for (const id of ['', 'x'.repeat(129)]) {
      expect(() => producerStamp(producerHeaders(0, 0, id))).toThrow(invalid);
    }
  });

  it('accept a time to live from one second to the maximum', () => {
    const ttlMs = (text: string) => header.streamTtlMs(requestWith({ 'stream-ttl': text }), 60_500);
    expect(header.streamTtlMs(requestWith({}), 60_500)).toBeUndefined();
    expect([ttlMs('1'), ttlMs('60')]).toEqual([1000, 60_000]);
    for (const text of ['0', '61', '', '1, 1']) expect(() => ttlMs(text)).toThrow(invalid);
  });

  it('accept a lease of 1 to 3600 seconds', () => {
    expect(leaseMs({ 'producer-lease': '1' })).toBe(1000);
    expect(leaseMs({ 'producer-lease': '3600' })).toBe(3_600_000);
    for (const text of ['0', '3601']) {
      expect(() => leaseMs({ 'producer-lease': text })).toThrow(invalid);
    }
  });
});

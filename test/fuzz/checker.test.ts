import { describe, expect, it } from 'vitest';
import { type Exchange, faultsOf, type ReceivedResponse, type Sent } from './checker.js';

const sent: Sent = {
  method: 'POST',
  route: 'events',
  hasIds: true,
  isMangled: false,
  isComplete: true,
  hasProducer: false,
};

function problem(status: number, code: string, stored?: unknown): ReceivedResponse {
  const body = JSON.stringify({ status, code, stored });
  return { status, contentType: 'application/problem+json; charset=utf-8', body };
}

function taken(count: number): ReceivedResponse {
  return { status: 201, contentType: 'application/json', body: JSON.stringify({ count }) };
}

const base: Exchange = { sent, response: taken(2), before: 3, after: 5, isOtherChanged: false };

/** Exchanges as they should be. */
const sound: Record<string, Partial<Exchange>> = {
  'an append': {},
  'a rejection': { response: problem(400, 'invalid_json', 0), after: 3 },
  'a rejected line': { response: problem(400, 'invalid_event', 2) },
  'a duplicate': { sent: { ...sent, hasProducer: true }, response: taken(0), after: 3 },
  'a broken body': { sent: { ...sent, isComplete: false }, response: null, after: 3 },
};

/** A defect of the service each. */
const defects: Record<string, Partial<Exchange>> = {
  'a 500': { response: problem(500, 'internal', 0), after: 3 },
  'a 503': { response: problem(503, 'draining', 0), after: 3 },
  'an undocumented status': { response: { ...taken(2), status: 202 } },
  'a success without an id': { sent: { ...sent, hasIds: false } },
  'no response': { response: null, after: 3 },
  'a rejection that is no problem': { response: { ...taken(0), status: 400 }, after: 3 },
  'an unknown code': { response: problem(400, 'oops', 0), after: 3 },
  'a code of another status': { response: problem(400, 'stream_full', 0), after: 3 },
  'a rejection that has stored': { response: problem(400, 'invalid_json', 0) },
  'a rejection that says too much': { response: problem(409, 'stream_full', 2), after: 3 },
  'a rejection that says nothing': { response: problem(400, 'invalid_json'), after: 3 },
  'an append that stores less': { after: 4 },
  'an append that stores more': { after: 6 },
  'a read that stores': {
    sent: { ...sent, method: 'GET' },
    response: { ...taken(0), status: 200 },
    after: 4,
  },
  'a change of another stream': { isOtherChanged: true },
};

describe('The checker of the fuzzer', () => {
  it.each(Object.entries(sound))('accepts %s', (_, exchange) => {
    expect(faultsOf({ ...base, ...exchange })).toEqual([]);
  });

  it.each(Object.entries(defects))('finds %s', (_, exchange) => {
    expect(faultsOf({ ...base, ...exchange })).not.toEqual([]);
  });
});

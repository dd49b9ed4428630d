import { describe, expect, it } from 'vitest';
import { type Answer, type Exchange, faultsOf, type Sent } from './checker.js';

const sent: Sent = {
  method: 'POST',
  route: 'events',
  hasIds: true,
  isMangled: false,
  isComplete: true,
  hasProducer: false,
};

function problem(status: number, code: string, stored?: unknown): Answer {
  const body = JSON.stringify({ status, code, stored });
  return { status, contentType: 'application/problem+json; charset=utf-8', body };
}

function taken(count: number): Answer {
  return { status: 201, contentType: 'application/json', body: JSON.stringify({ count }) };
}

const base: Exchange = { sent, answer: taken(2), before: 3, after: 5, isOtherChanged: false };

/** Exchanges as they should be. */
const sound: Record<string, Partial<Exchange>> = {
  'an append': {},
  'a rejection': { answer: problem(400, 'invalid_json', 0), after: 3 },
  'a rejected line': { answer: problem(400, 'invalid_event', 2) },
  'a duplicate': { sent: { ...sent, hasProducer: true }, answer: taken(0), after: 3 },
  'a broken body': { sent: { ...sent, isComplete: false }, answer: null, after: 3 },
};

/** A defect of the service each. */
const defects: Record<string, Partial<Exchange>> = {
  'a 500': { answer: problem(500, 'internal', 0), after: 3 },
  'a 503': { answer: problem(503, 'draining', 0), after: 3 },
  'an undocumented status': { answer: { ...taken(2), status: 202 } },
  'a success without an id': { sent: { ...sent, hasIds: false } },
  'no answer': { answer: null, after: 3 },
  'a rejection that is no problem': { answer: { ...taken(0), status: 400 }, after: 3 },
  'an unknown code': { answer: problem(400, 'oops', 0), after: 3 },
  'a code of another status': { answer: problem(400, 'stream_full', 0), after: 3 },
  'a rejection that has stored': { answer: problem(400, 'invalid_json', 0) },
  'a rejection that says too much': { answer: problem(409, 'stream_full', 2), after: 3 },
  'a rejection that says nothing': { answer: problem(400, 'invalid_json'), after: 3 },
  'an append that stores less': { after: 4 },
  'an append that stores more': { after: 6 },
  'a read that stores': {
    sent: { ...sent, method: 'GET' },
    answer: { ...taken(0), status: 200 },
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

import {
  leaseHeader,
  nextOffsetHeader,
  producerEpochHeaders,
  producerHeaders,
  ttlHeader,
} from './headers.js';
import { json, type Operation } from './operation.js';
import {
  appendedRef,
  batchRef,
  duplicateRef,
  eventRef,
  statusRef,
  stopRef,
  stopRequestRef,
} from './schemas.js';

const chunk = { id: 'a1', type: 'answer', content: 'Cats ' };
const lastChunk = { ...chunk, content: 'sleep.', done: true };

const appendDescription = `
One event, an array of 1 to 1000 that is stored whole or not at all, or NDJSON, of which each line is
appended as it arrives: that request may stay open for a whole run.

With the three producer headers an append is safe to repeat: what is there already is not stored again.
Every refusal says in \`stored\` how many events of the body are in the stream.`;

export const append: Operation = {
  id: 'appendEvents',
  tag: 'Workers',
  summary: 'Append events',
  description: appendDescription.trim(),
  headers: [...producerHeaders, leaseHeader, ttlHeader],
  body: {
    required: true,
    content: {
      'application/json': {
        schema: { anyOf: [eventRef, batchRef] },
        examples: {
          one: { summary: 'One event', value: chunk },
          several: { summary: 'Several, whole or not at all', value: [chunk, lastChunk] },
          end: { summary: 'The end of the stream', value: { type: 'complete' } },
        },
      },
      'application/x-ndjson': {
        schema: { type: 'string', description: 'One event a line.' },
        examples: {
          lines: { value: `${JSON.stringify(chunk)}\n${JSON.stringify(lastChunk)}\n` },
        },
      },
    },
  },
  answers: {
    201: {
      description: 'What was stored.',
      headers: [nextOffsetHeader],
      content: json(appendedRef, { offset: 0, count: 2, nextOffset: 2 }),
    },
    200: {
      description: 'All of it was there already, sent by the same producer.',
      headers: [nextOffsetHeader],
      content: json(duplicateRef, { offset: 2, count: 0, nextOffset: 2, duplicate: true }),
    },
  },
  problems: [
    'invalid_header',
    'invalid_event',
    'invalid_json',
    'request_timeout',
    'stream_ended',
    'producer_gap',
    'producer_fenced',
    'stream_gone',
    'too_many_producers',
    'stream_full',
    'session_full',
    'event_too_large',
    'body_too_large',
    'unsupported_media_type',
    'rate_limited',
    'overloaded',
    'draining',
    'store_full',
  ],
  reportsStored: true,
  saysWhenToReturn: true,
  usesStore: true,
};

export const renewLease: Operation = {
  id: 'renewLease',
  tag: 'Workers',
  summary: 'Give a sign of life, without an event',
  description:
    'Look at `streamStatus` of the answer: there a worker learns in a long tool call that it was stopped.',
  headers: [...producerEpochHeaders, { ...leaseHeader, required: true }],
  answers: {
    200: {
      description: 'The status of the stream, which may have ended.',
      content: json(statusRef, {
        nextOffset: 3,
        nextId: '3-3592a1b6',
        streamStatus: 'open',
        createdAt: '2026-01-01T12:00:00.000Z',
        updatedAt: '2026-01-01T12:00:02.000Z',
        expiresAt: '2026-01-01T13:00:02.000Z',
        ttlSeconds: 3600,
      }),
    },
  },
  problems: ['invalid_header', 'not_found', 'producer_fenced'],
  reportsStored: true,
  usesStore: true,
};

export const stop: Operation = {
  id: 'stopStream',
  tag: 'Workers',
  summary: 'End a stream in the name of somebody else than its worker',
  description:
    'It appends a `stop` event, once, and may be repeated. A stream that does not exist begins with it, but not by a token for a whole session.',
  body: {
    required: false,
    content: json(stopRequestRef, { reason: 'by the user' }),
  },
  answers: {
    200: {
      description: 'How the stream has ended, now or before.',
      content: json(stopRef, { streamStatus: 'stopped' }),
    },
  },
  problems: [
    'invalid_event',
    'invalid_json',
    'not_found',
    'request_timeout',
    'session_full',
    'body_too_large',
    'unsupported_media_type',
    'rate_limited',
    'overloaded',
    'store_full',
  ],
  reportsStored: true,
  saysWhenToReturn: true,
  usesStore: true,
};

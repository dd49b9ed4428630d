import {
  maxLeaseSeconds,
  maxNumber,
  maxProducerIdLength,
} from '../http/routes/producer-headers.js';
import type { Header } from './operation.js';

const number = { type: 'integer', minimum: 0, maximum: maxNumber };

const epoch: Header = {
  name: 'Producer-Epoch',
  description: 'Each worker that takes over raises it.',
  schema: number,
};

const id: Header = {
  name: 'Producer-Id',
  description: 'The name of the producer within its stream.',
  schema: { type: 'string', pattern: `^[ -~]{1,${maxProducerIdLength}}$` },
};

/** With an epoch alone, a worker shows that nobody has taken over. */
export const producerEpochHeaders: readonly Header[] = [id, epoch];

/** All three of them or none. */
export const producerHeaders: readonly Header[] = [
  ...producerEpochHeaders,
  {
    name: 'Producer-Seq',
    description: 'The number of the first event of the body; each event takes the next.',
    schema: number,
  },
];

export const leaseHeader: Header = {
  name: 'Producer-Lease',
  description: 'Seconds within which the next sign of life comes, or the service ends the stream.',
  schema: { type: 'integer', minimum: 1, maximum: maxLeaseSeconds },
};

export const ttlHeader: Header = {
  name: 'Stream-TTL',
  description:
    'On the append that begins a stream, for how many seconds it is kept after its last event; at ' +
    'most `stream_manager.max_ttl`, which is 7 days by default.',
  schema: { type: 'integer', minimum: 1 },
};

export const lastEventIdHeader: Header = {
  name: 'Last-Event-ID',
  description:
    'The id of the last frame; an EventSource sends it by itself. It wins over `lastEventId` and `offset`.',
  schema: { type: 'string', examples: ['2-17f32cff'] },
};

export const nextOffsetHeader: Header = {
  name: 'Stream-Next-Offset',
  description: 'The offset after the last event.',
  schema: { type: 'integer', minimum: 0 },
  required: true,
};

export const noStoreHeader: Header = {
  name: 'Cache-Control',
  description: 'The answer holds for this moment only.',
  schema: { const: 'no-store' },
  required: true,
};

export const retryAfterHeader: Header = {
  name: 'Retry-After',
  description: 'In how many seconds to come back.',
  schema: { type: 'integer', minimum: 1 },
};

export const challengeHeader: Header = {
  name: 'WWW-Authenticate',
  description: 'How to bring a key, or a token.',
  schema: { type: 'string', pattern: '^Bearer' },
  required: true,
};

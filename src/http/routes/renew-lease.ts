import { z } from 'zod';
import { ServiceError } from '../../errors.js';
import type { StreamManager } from '../../store/stream-manager.js';
import { inputsAckOffset, leaseMs, producerEpoch } from './append-json.js';
import {
  type App,
  inputsAckHeader,
  messagePath,
  producerEpochHeaders,
  requiredLeaseHeader,
  streamParams,
} from './request-schemas.js';
import { inputsHeader, jsonContent, storeErrors } from './route-metadata.js';
import { statusExample, statusSchema, toStatus } from './stream-status.js';

const schema = {
  params: streamParams,
  operationId: 'renewLease',
  tags: ['Workers'],
  summary: 'Renew the lease of a stream without an event',
  description:
    'Check `streamStatus` in the response: it tells a worker during a long tool call that the stream was stopped.',
  requestHeaders: z.object({
    ...producerEpochHeaders,
    ...requiredLeaseHeader,
    ...inputsAckHeader,
  }),
  response: {
    200: {
      description: 'The status of the stream, which may have ended.',
      headers: inputsHeader,
      content: jsonContent(statusSchema, statusExample),
    },
  },
  problems: ['invalid_header', 'not_found', 'producer_fenced', 'inputs_gap', ...storeErrors],
} as const;

/** `POST …/lease`: renews the lease without an event. Responds with the status of the stream. */
export function renewLeaseRoute(app: App, streams: StreamManager): void {
  app.post(
    `${messagePath}/lease`,
    { schema, config: { access: 'append' } },
    async ({ params, raw }, reply) => {
      const lease = leaseMs(raw);
      if (lease === undefined) {
        throw new ServiceError('invalid_header', 'Producer-Lease is missing');
      }
      const producer = producerEpoch(raw);
      const renewal = { leaseMs: lease, producer, inputsAckOffset: inputsAckOffset(raw) };
      const info = await streams.renewLease(params, renewal);
      if (info === null) throw new ServiceError('not_found', 'there is no such stream');
      reply.header('inputs-next-offset', info.inputs.nextOffset);
      return reply.send(toStatus(info));
    },
  );
}

import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { type EncodeLimits, encodeEvents, encodeInSteps } from '../../events/encode-events.js';
import { runInSlices } from '../../events/slices.js';
import type { Appended, StreamId, StreamManager } from '../../store/stream-manager.js';
import { headerList, respondJson } from './json-response.js';
import { leaseMs, producerStamp, type RequestHeaders, streamTtlMs } from './producer-headers.js';

export interface AppendJsonOptions {
  readonly streams: Pick<StreamManager, 'appendEvents'>;
  readonly limits: EncodeLimits;
  /** Max time to live that a stream may be given. */
  readonly maxTtlMs: number;
}

/** A larger body is parsed in slices, so that others do not wait. */
const smallBytes = 64 * 1024;

/** Appends the event or the array of events that the body of a request is. @throws ServiceError */
export async function appendJson(
  request: RequestHeaders,
  body: Buffer,
  stream: StreamId,
  { streams, limits, maxTtlMs }: AppendJsonOptions,
): Promise<Appended> {
  const producer = producerStamp(request);
  const ttlMs = streamTtlMs(request, maxTtlMs);
  const events =
    body.length <= smallBytes
      ? encodeEvents(body, limits)
      : await runInSlices(encodeInSteps(body, limits));
  return await streams.appendEvents(stream, events, { producer, leaseMs: leaseMs(request), ttlMs });
}

/** Responds with the headers that hooks have set. */
export function sendAppended(reply: FastifyReply, appended: Appended): FastifyReply {
  const head = headerList(reply);
  reply.hijack();
  respondAppended(reply.raw, head, appended);
  return reply;
}

/**
 * Responds with 201 and what was stored, or with 200 when all of it was stored before.
 *
 * @param head names and values in turn, to which more are added
 */
export function respondAppended(
  response: ServerResponse,
  head: OutgoingHttpHeader[],
  { offset, count, nextOffset }: Appended,
): void {
  head.push('stream-next-offset', nextOffset);
  const numbers = `"offset":${offset},"count":${count},"nextOffset":${nextOffset}`;
  if (count > 0) respondJson(response, 201, head, `{${numbers}}`);
  else respondJson(response, 200, head, `{${numbers},"duplicate":true}`);
}

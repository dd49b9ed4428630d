import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyReply } from 'fastify';
import { ServiceError } from '../../errors.js';
import { maxBatchEvents } from '../../events/event.js';
import { type ParseLimits, parseEvents, parseEventsInSteps } from '../../events/parse-events.js';
import type { ProducerStamp } from '../../store/append-rules.js';
import type {
  Appended,
  AppendOptions,
  StreamId,
  StreamManager,
} from '../../store/stream-manager.js';
import { runInSlices } from '../../time-slices.js';
import { isRepeated } from '../hooks/request-headers.js';

export interface AppendJsonOptions {
  readonly streams: Pick<StreamManager, 'appendEvents'>;
  readonly limits: ParseLimits;
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
  log: Pick<FastifyBaseLogger, 'debug'>,
): Promise<Appended> {
  const options = appendOptions(request, maxTtlMs);
  const events =
    body.length <= smallBytes
      ? parseEvents(body, limits)
      : await runInSlices(parseEventsInSteps(body, limits));
  const appended = await streams.appendEvents(stream, events, options);
  const { sessionId, messageId } = stream;
  const { offset, count, nextOffset } = appended; // by name: spreading would cost more than all else here
  log.debug({ sessionId, messageId, offset, count, nextOffset }, 'Events were appended');
  return appended;
}

/** Responds with the headers that hooks have set. */
export function sendAppended(reply: FastifyReply, appended: Appended): FastifyReply {
  const head = headerList(reply);
  reply.hijack();
  respondAppended(reply.raw, head, appended);
  return reply;
}

/**
 * Responds with 201 and what was stored, or with 200 when all of it was stored before, in one write.
 * Fastify's `send` supports every kind of response, and sends head and body in a vectored write. The
 * hooks `onSend` do not run.
 *
 * @param head names and values in turn, to which more are added
 */
export function respondAppended(
  response: ServerResponse,
  head: OutgoingHttpHeader[],
  { offset, count, nextOffset, inputsNextOffset }: Appended,
): void {
  const duplicate = count > 0 ? '' : ',"duplicate":true';
  const inputs = `,"inputs":{"nextOffset":${inputsNextOffset}}`;
  const json = `{"offset":${offset},"count":${count},"nextOffset":${nextOffset}${duplicate}${inputs}}`;
  head.push('stream-next-offset', nextOffset, 'inputs-next-offset', inputsNextOffset);
  head.push('content-type', 'application/json; charset=utf-8', 'content-length', json.length);
  response.writeHead(count > 0 ? 201 : 200, head);
  response.cork(); // so that head, body and end are one write
  response.write(json, 'latin1');
  response.uncork();
  response.end();
}

/**
 * The headers of a reply, for `writeHead`: names and values in turn. A list is the cheapest
 * form for Node, which keeps no copy of it with the response.
 */
export function headerList(reply: FastifyReply): OutgoingHttpHeader[] {
  const headers = reply.getHeaders() as Record<string, OutgoingHttpHeader>;
  const list: OutgoingHttpHeader[] = [];
  for (const name in headers) list.push(name, headers[name] as OutgoingHttpHeader);
  return list;
}

export const maxProducerIdLength = 128;
export const maxLeaseSeconds = 3600;

/** Max offset that may be acknowledged: more inputs than any limit allows. */
export const maxInputsAckOffset = 2 ** 31 - 1;

/** Max sequence number: a batch from there on stays within the safe integers. */
export const maxNumber = Number.MAX_SAFE_INTEGER - maxBatchEvents;

/** The headers of a request as Node parses them. */
export type RequestHeaders = Pick<IncomingMessage, 'headers' | 'rawHeaders'>;

/**
 * `Producer-Id`, `Producer-Epoch` and `Producer-Seq`: all of them or none.
 *
 * @throws ServiceError `invalid_header`
 */
export function producerStamp(request: RequestHeaders): ProducerStamp | undefined {
  const producer = producerEpoch(request);
  const seq = numberOf(request, 'producer-seq', 0, maxNumber);
  if (producer === undefined && seq === undefined) return undefined;
  if (producer === undefined || seq === undefined) {
    throw invalid('Producer-Id, Producer-Epoch and Producer-Seq go together');
  }
  return { ...producer, seq };
}

/** The headers of an append, of either kind. @throws ServiceError `invalid_header` */
export function appendOptions(request: RequestHeaders, maxTtlMs: number): AppendOptions {
  const producer = producerStamp(request);
  return {
    producer,
    ttlMs: streamTtlMs(request, maxTtlMs),
    leaseMs: leaseMs(request),
    inputsAckOffset: inputsAckOffset(request),
  };
}

/** `Producer-Id` and `Producer-Epoch`: both or neither. @throws ServiceError `invalid_header` */
export function producerEpoch(
  request: RequestHeaders,
): Pick<ProducerStamp, 'id' | 'epoch'> | undefined {
  const id = request.headers['producer-id'];
  const epoch = numberOf(request, 'producer-epoch', 0, maxNumber);
  if (id === undefined && epoch === undefined) return undefined;
  if (id === undefined || epoch === undefined) {
    throw invalid('Producer-Id and Producer-Epoch go together');
  }
  // Node joins repeated headers, which makes numbers invalid, but not ids.
  if (isRepeated(request, 'producer-id')) throw invalid('Producer-Id occurs more than once');
  // Beyond ASCII, a header and `?producer=` are decoded differently.
  if (/^[ -~]+$/.test(String(id)) && id.length <= maxProducerIdLength)
    return { id: String(id), epoch };
  throw invalid(`Producer-Id must have 1 to ${maxProducerIdLength} characters of ASCII`);
}

/** `Stream-TTL`, in seconds. @throws ServiceError `invalid_header` */
export function streamTtlMs(request: RequestHeaders, maxTtlMs: number): number | undefined {
  return milliseconds(numberOf(request, 'stream-ttl', 1, Math.floor(maxTtlMs / 1000)));
}

/** `Inputs-Ack-Offset`. @throws ServiceError `invalid_header` */
export function inputsAckOffset(request: RequestHeaders): number | undefined {
  return numberOf(request, 'inputs-ack-offset', 0, maxInputsAckOffset);
}

/** `Producer-Lease`, in seconds. @throws ServiceError `invalid_header` */
export function leaseMs(request: RequestHeaders): number | undefined {
  return milliseconds(numberOf(request, 'producer-lease', 1, maxLeaseSeconds));
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds && 1000 * seconds;
}

function numberOf(
  { headers }: RequestHeaders,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = headers[name];
  if (text === undefined) return undefined;
  const value = /^(0|[1-9][0-9]{0,15})$/.test(String(text)) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw invalid(`${name} must be an integer between ${least} and ${most}`);
}

function invalid(message: string): ServiceError {
  return new ServiceError('invalid_header', message);
}

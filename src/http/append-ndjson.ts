import { PassThrough } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError, toLogFields, withMoreStored } from '../errors.js';
import type { EncodeLimits } from '../streams/encode-events.js';
import { streamEnded } from '../streams/lifecycle.js';
import type { StreamId } from '../streams/stream-id.js';
import type { StreamInfo, StreamManager } from '../streams/stream-manager.js';
import { sendAppended } from './append-answer.js';
import { answerEarly } from './early-answer.js';
import { EndWatch } from './end-watch.js';
import { LineAppender } from './line-appender.js';
import { LineSplitter } from './line-splitter.js';
import { sendProblem, toReportedProblem } from './problem.js';
import { leaseMs, producerStamp, streamTtlMs } from './producer-headers.js';

export interface NdjsonOptions {
  readonly streams: StreamManager;
  /** Where events are appended: the same, under observation. */
  readonly appends: Pick<StreamManager, 'appendEvents'>;
  readonly limits: EncodeLimits;
  /** The longest time to live that a stream may be given. */
  readonly maxTtlMs: number;
  readonly pollIntervalMs: number;
  /** A body that brings nothing for this long, not even a blank line, is given up. */
  readonly silenceMs: number;
  /** Aborted when the service stops: workers go on at another node. */
  readonly draining: AbortSignal;
}

/** The client has left in the midst of its body: nobody waits for an answer. */
class ClientGone extends Error {}

/** Appends the lines of a body as they arrive; a worker may keep one request open for a whole run. */
export async function appendNdjson(
  request: FastifyRequest,
  reply: FastifyReply,
  stream: StreamId,
  options: NdjsonOptions,
): Promise<FastifyReply> {
  const { appends, limits, maxTtlMs } = options;
  const lease = leaseMs(request.raw);
  const producer = producerStamp(request.raw);
  const ttlMs = streamTtlMs(request.raw, maxTtlMs);
  const appender = new LineAppender({ appends, stream, limits, producer, leaseMs: lease, ttlMs });
  const body = new PassThrough();
  const release = guard(request, body, stream, appender, options, lease);
  try {
    await appendLines(body, appender, limits.maxEventBytes);
    return sendAppended(reply, appender.appended);
  } catch (error) {
    return refuse(request, reply, error, appender.stored);
  } finally {
    release();
  }
}

async function appendLines(body: PassThrough, appender: LineAppender, maxBytes: number) {
  const splitter = new LineSplitter(maxBytes);
  for await (const chunk of body) await appender.take(splitter.push(chunk));
  await appender.take(splitter.end());
  if (appender.stored === 0) throw new ServiceError('invalid_event', 'the body holds no event');
}

/**
 * Passes the body on, and ends it early for whatever else may end the request: silence, a client
 * that left, a stream that somebody ended, a service that stops. Keeps the lease meanwhile.
 *
 * @returns a function that ends all that
 */
function guard(
  request: FastifyRequest,
  body: PassThrough,
  stream: StreamId,
  appender: LineAppender,
  options: NdjsonOptions,
  lease: number | undefined,
): () => void {
  const { streams, pollIntervalMs, silenceMs, draining } = options;
  const { raw } = request;
  const silence = setTimeout(() => body.destroy(silent(silenceMs)), silenceMs);
  const drain = () => body.destroy(new ServiceError('draining', 'this node is shutting down'));
  const onEnd = ({ status, producer }: StreamInfo) => {
    if (!appender.hasEnded && !appender.repeats(producer)) body.destroy(streamEnded(status));
  };
  const producerId = appender.options.producer?.id;
  const watch = new EndWatch({ streams, stream, pollIntervalMs, producerId, onEnd });
  const onFenced = (error: ServiceError) => body.destroy(error);
  const keeping = lease === undefined ? null : keepLease(request, stream, streams, lease, onFenced);
  raw.on('data', () => silence.refresh());
  raw.on('error', () => body.destroy(new ClientGone()));
  raw.on('close', () => {
    if (!raw.complete) body.destroy(new ClientGone());
  });
  draining.addEventListener('abort', drain);
  raw.pipe(body);
  if (draining.aborted) drain();
  return () => {
    clearTimeout(silence);
    if (keeping !== null) clearInterval(keeping);
    watch.close();
    draining.removeEventListener('abort', drain);
  };
}

function silent(silenceMs: number): ServiceError {
  return new ServiceError('request_timeout', `nothing came for ${silenceMs / 1000} seconds`);
}

/**
 * An open request is a sign of life, however long a tool call takes.
 *
 * @param onFenced told when another worker has taken over meanwhile
 */
function keepLease(
  { raw, log }: FastifyRequest,
  stream: StreamId,
  streams: StreamManager,
  lease: number,
  onFenced: (error: ServiceError) => void,
): NodeJS.Timeout {
  const producer = producerStamp(raw);
  const renew = () =>
    streams.renewLease(stream, { leaseMs: lease, producer }).catch((error) => {
      log.debug({ ...stream, ...toLogFields(error) }, 'A lease could not be renewed');
      if (error instanceof ServiceError && error.code === 'producer_fenced') onFenced(error);
    });
  return setInterval(() => void renew(), lease / 3);
}

function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  stored: number,
): FastifyReply {
  if (error instanceof ClientGone) {
    request.log.debug({ stored }, 'A worker has left');
    return reply.hijack();
  }
  const known = withMoreStored(asServiceError(error), stored);
  if (request.raw.complete) return sendProblem(known, request, reply);
  answerEarly(request, reply, toReportedProblem(known, request));
  return reply;
}

function asServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const message = 'something went wrong on our side';
  return new ServiceError('internal', message, {}, { cause: error });
}

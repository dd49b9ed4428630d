import { PassThrough } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError, toLogFields } from '../../errors.js';
import { streamEnded } from '../../store/append-rules.js';
import type {
  AppendOptions,
  StreamId,
  StreamInfo,
  StreamManager,
} from '../../store/stream-manager.js';
import type { BodyShare } from '../body/body-budget.js';
import { LineSplitter } from '../body/line-splitter.js';
import { bodyError } from '../body/read-body.js';
import { type AppendJsonOptions, appendOptions, sendAppended } from './append-json.js';
import { LineAppender, type LineAppenderOptions } from './line-appender.js';
import { watchEnd } from './stream-changes.js';

export interface NdjsonOptions extends AppendJsonOptions {
  readonly streams: StreamManager;
  readonly pollIntervalMs: number;
  /** A body that brings nothing for this long, not even a blank line, is given up. */
  readonly silenceMs: number;
  /** Aborted when the service stops: workers go on at another node. */
  readonly draining: AbortSignal;
}

/** A body on its way into its stream. */
interface OpenBody {
  /** The body, as far as it is to be appended. */
  readonly body: PassThrough;
  /** How many bytes have been taken from it and are not appended yet, with the room around them. */
  taken: number;
  /** Counts the bytes that are not appended yet. @throws ServiceError `overloaded` */
  readonly count: (more?: number) => void;
  /** Why the body ended before its end; what had come before that is appended all the same. */
  readonly broken: Error | null;
  readonly release: () => void;
}

/** The client has left before its body was complete: nobody waits for a response. */
class ClientLeft extends Error {}

/** Appends the lines of a body as they arrive; a worker may keep one request open for a whole run. */
export async function appendNdjson(
  request: FastifyRequest,
  reply: FastifyReply,
  stream: StreamId,
  options: NdjsonOptions,
): Promise<FastifyReply> {
  const { streams, limits, maxTtlMs } = options;
  const terms = appendOptions(request.raw, maxTtlMs);
  const appender = new LineAppender({ streams, stream, limits, ...terms });
  const open = guard(request, appender, options);
  try {
    await acknowledgeInputs(streams, stream, terms);
    await appendLines(open, appender, limits.maxEventBytes);
    return sendAppended(reply, appender.appended);
  } catch (error) {
    throw error instanceof ClientLeft ? error : await appender.withStored(error);
  } finally {
    open.release();
  }
}

/** Acknowledges inputs when the request begins, as its first line may come much later. */
async function acknowledgeInputs(
  streams: StreamManager,
  stream: StreamId,
  { producer, inputsAckOffset }: AppendOptions,
): Promise<void> {
  if (inputsAckOffset === undefined) return;
  await streams.renewLease(stream, { producer, inputsAckOffset });
}

async function appendLines(open: OpenBody, appender: LineAppender, maxBytes: number) {
  const splitter = new LineSplitter(maxBytes);
  for await (const chunk of open.body) {
    open.taken += chunk.length;
    await appender.take(splitter.push(chunk));
    open.taken = splitter.restCapacity;
    open.count();
  }
  if (open.broken !== null) throw open.broken;
  await appender.take(splitter.end());
  await appender.finish();
}

/**
 * Passes the body on, and ends it early when anything else ends the request: silence, a client
 * that left, a stream that somebody ended, a service that stops, too many bytes of all bodies. Keeps
 * the lease meanwhile.
 */
function guard(request: FastifyRequest, appender: LineAppender, options: NdjsonOptions): OpenBody {
  const { streams, pollIntervalMs, silenceMs, draining } = options;
  const { stream, producer } = appender.options;
  const { raw } = request;
  const share = request.bodyShare as BodyShare;
  const body = new PassThrough();
  const end = (error: Error) => void body.destroy(error);
  const open = { body, taken: 0, count, broken: null as Error | null, release };
  const silent = `nothing came for ${silenceMs / 1000} seconds`;
  const silence = setTimeout(() => end(new ServiceError('request_timeout', silent)), silenceMs);
  const drain = () => end(new ServiceError('draining', 'this node is shutting down'));
  const onEnd = ({ status, producer }: StreamInfo) => {
    if (!appender.hasEnded && !appender.repeats(producer)) end(streamEnded(status));
  };
  const unwatch = watchEnd({ streams, stream, pollIntervalMs, producerId: producer?.id, onEnd });
  const keeping = keepLease(request, appender.options, end);
  const onData = (chunk: Buffer) => {
    silence.refresh();
    try {
      count(chunk.length);
    } catch (error) {
      end(error as ServiceError);
    }
  };
  const onBroken = (error: Error) => {
    if (open.broken !== null || body.destroyed) return;
    open.broken = error instanceof ServiceError ? error : new ClientLeft();
    raw.unpipe(body);
    for (let rest = raw.read(); rest !== null; rest = raw.read()) body.write(rest);
    body.end();
  };
  raw.on('data', onData).on('error', onBroken).on(bodyError, onBroken);
  raw.on('close', () => {
    if (!raw.complete) onBroken(new ClientLeft());
  });
  draining.addEventListener('abort', drain);
  share.begin(end);
  raw.pipe(body);
  if (draining.aborted) drain();
  function count(more = 0) {
    share.hold(body.writableLength + body.readableLength + open.taken + more);
  }
  function release() {
    raw.off('data', onData);
    share.complete();
    clearTimeout(silence);
    clearInterval(keeping);
    unwatch();
    draining.removeEventListener('abort', drain);
  }
  return open;
}

/**
 * An open request renews the lease, however long a tool call takes.
 *
 * @param onFenced told when another worker has taken over meanwhile
 */
function keepLease(
  { log }: FastifyRequest,
  { streams, stream, producer, leaseMs }: LineAppenderOptions,
  onFenced: (error: ServiceError) => void,
): NodeJS.Timeout | undefined {
  if (leaseMs === undefined) return undefined;
  const renew = () =>
    streams.renewLease(stream, { leaseMs, producer }).catch((error) => {
      log.debug({ ...stream, ...toLogFields(error) }, 'A lease could not be renewed');
      if (error instanceof ServiceError && error.code === 'producer_fenced') onFenced(error);
    });
  return setInterval(() => void renew(), leaseMs / 3);
}

import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ServiceError } from '../../errors.js';
import { maxBatchEvents, mayFollowEnd } from '../../events/event.js';
import {
  formatPosition,
  matches,
  type Position,
  startOfStream,
  tagAfter,
  tagAt,
} from '../../events/position.js';
import { type FoldedEvent, foldEvents } from '../../feed/formats/fold-events.js';
import type { EventPage, LogId, StreamManager } from '../../store/stream-manager.js';
import {
  type App,
  flag,
  inputsParams,
  limit,
  messagePath,
  position,
  streamParams,
  wait,
} from './request-schemas.js';
import { components, eventExample, jsonContent, noStore, storeErrors } from './route-metadata.js';
import { StreamChanges } from './stream-changes.js';
import { nextId, offset } from './stream-status.js';

const inputsQuery = z.object({
  offset: position.optional(),
  limit: limit.optional(),
  wait: wait.optional(),
});

const querystring = inputsQuery.extend({
  compact: flag
    .optional()
    .describe('Whether adjacent chunks of one text come as one event, as far as the page goes.'),
});

type Query = z.infer<typeof querystring>;

/** The fields that every event has: elements of other programs are returned as they are. */
const storedEvent = z
  .looseObject({ type: z.string() })
  .describe('an event as it was stored; one that came by this API has all fields but `data`');

const place = {
  nextOffset: offset,
  nextId,
  ended: z.boolean().describe('the stream has ended, and this page reaches its end'),
};

const eventPage = z
  .strictObject({ events: z.array(storedEvent).max(maxBatchEvents), ...place })
  .register(components, { id: 'Page' });

const storedInput = z
  .looseObject({ type: z.string(), id: z.string(), by: z.string().optional() })
  .describe('an input as it was stored, with its author: the `sub` of a token or the id of a key');

const inputPage = z
  .strictObject({ inputs: z.array(storedInput).max(maxBatchEvents), ...place })
  .register(components, { id: 'InputPage' });

const schema = {
  params: streamParams,
  querystring,
  operationId: 'readEvents',
  tags: ['Readers'],
  summary: 'Read a part of a stream as JSON',
  description:
    'Continue from `nextId` until `events` is empty or `ended` is true. A stream that does not exist is empty.',
  response: {
    200: {
      description: 'The events from the offset on, as many as fit.',
      headers: noStore,
      content: jsonContent<z.ZodType>(eventPage, {
        events: [eventExample],
        nextOffset: 1,
        nextId: '1-3592a1b6',
        ended: false,
      }),
    },
  },
  problems: ['invalid_offset', 'invalid_query', 'offset_gone', ...storeErrors],
} as const;

const inputExample = {
  type: 'approval',
  id: 'i1',
  data: { replyTo: 'p1', approved: true },
  content: '',
  done: false,
  timestamp: '2026-01-01T12:00:03Z',
  by: 'zoe',
};

const inputsSchema = {
  ...schema,
  params: inputsParams,
  querystring: inputsQuery,
  operationId: 'readInputs',
  tags: ['Inputs'],
  summary: 'Read a part of the inputs of a stream as JSON',
  description:
    'As events are read, with the scope `append` as well. `ended` is true when the stream has ended and no input follows.',
  response: {
    200: {
      description: 'The inputs from the offset on, as many as fit.',
      headers: noStore,
      content: jsonContent<z.ZodType>(inputPage, {
        inputs: [inputExample],
        nextOffset: 1,
        nextId: '1-89b48d46',
        ended: false,
      }),
    },
  },
} as const;

export interface ReadOptions {
  readonly streams: StreamManager;
  /** Size of the largest event into which chunks are folded. */
  readonly maxEventBytes: number;
  /** A waiting read checks the stream at least this often, with or without notifications. */
  readonly pollIntervalMs: number;
  /** Aborted when the service stops, which ends all waits. */
  readonly draining: AbortSignal;
}

/** The result of one read. */
interface Read {
  readonly page: EventPage;
  readonly ended: boolean;
}

/** `GET …/events`: one bounded read as JSON; with `wait`, as soon as there are events. */
export function readEventsRoute(app: App, options: ReadOptions): void {
  app.get(`${messagePath}/events`, { schema, config: { access: 'read' } }, (request, reply) =>
    respond(request.params, request.query, request, reply, options),
  );
}

/** `GET …/inputs`: the same of the inputs. */
export function readInputsRoute(app: App, options: ReadOptions): void {
  app.get(
    `${messagePath}/inputs`,
    { schema: inputsSchema, config: { access: 'readInputs' } },
    (request, reply) => respond(request.params, request.query, request, reply, options),
  );
}

async function respond(
  log: LogId,
  query: Query,
  request: Waiting,
  reply: FastifyReply,
  options: ReadOptions,
): Promise<FastifyReply> {
  const { page, ended } =
    query.wait === undefined
      ? await read(options.streams, log, query)
      : await readWaiting(log, query, request, options);
  const maxFoldedBytes = query.compact === true ? options.maxEventBytes : null;
  const name = log.log ?? 'events';
  return reply
    .type('application/json; charset=utf-8')
    .send(toJson(name, query.offset ?? startOfStream, page, ended, maxFoldedBytes));
}

/** What a read that waits needs of its request. */
type Waiting = Pick<FastifyRequest, 'raw' | 'signal' | 'accessEndsAt'>;

/** A client that has closed its sending side may have left or still read, so it does not wait. */
async function readWaiting(
  log: LogId,
  query: Query,
  { raw: { socket }, signal, accessEndsAt }: Waiting,
  { streams, pollIntervalMs, draining }: ReadOptions,
): Promise<Read> {
  const until = Math.min(performance.now() + (query.wait ?? 0), accessEndsAt);
  const changes = new StreamChanges(streams, log);
  const leave = () => changes.leave();
  // No `AbortSignal.any`, which on Node 20 leaks memory in the longer-lived signal.
  for (const one of [signal, draining]) one.addEventListener('abort', leave);
  socket.on('end', leave);
  try {
    while (true) {
      const found = await read(streams, log, query);
      const leftMs = until - performance.now();
      const isGone = signal.aborted || draining.aborted || socket.readableEnded;
      if (found.page.events.length > 0 || found.ended || isGone || leftMs <= 0) return found;
      await changes.wait(Math.min(leftMs, pollIntervalMs));
    }
  } finally {
    for (const one of [signal, draining]) one.removeEventListener('abort', leave);
    socket.off('end', leave);
    changes.close();
  }
}

async function read(streams: StreamManager, log: LogId, query: Query): Promise<Read> {
  const from = query.offset ?? startOfStream;
  const page = await streams.getEvents(log, from.offset, query.limit ?? maxBatchEvents);
  rejectIfGone(from, page);
  return { page, ended: await isEnd(streams, log, page) };
}

/** Rejects an id whose place does not exist. A bare offset past the end is no error. */
function rejectIfGone(from: Position, page: EventPage): void {
  if (from.tag === null || matches(from, tagAt(from.offset, page.before))) return;
  throw new ServiceError(
    'offset_gone',
    'the stream is no longer the one that this id came from; read it again from offset 0',
  );
}

/** Whether the stream has ended and no event of it follows the page. */
async function isEnd(streams: StreamManager, log: LogId, page: EventPage): Promise<boolean> {
  const { events, nextOffset, atEnd } = page;
  if (!atEnd && !events.some(({ ending }) => ending !== null)) return false;
  const info = await streams.getStatus(log);
  if (info === null || info.endedOffset === null) return false;
  if (nextOffset === info.nextOffset) return true;
  if (nextOffset < info.endedOffset || nextOffset > info.nextOffset) return false;
  // Elements that another program pushed after the end do not count.
  const rest = await streams.getEvents(log, nextOffset, maxBatchEvents);
  return !rest.events.some(mayFollowEnd);
}

/**
 * Builds the response from the stored text: to parse it would round numbers and reorder keys.
 *
 * @param maxFoldedBytes size of the largest event into which chunks are folded; null folds none
 */
function toJson(
  name: 'events' | 'inputs',
  from: Position,
  page: EventPage,
  ended: boolean,
  maxFoldedBytes: number | null,
): Buffer {
  const parts: Buffer[] = [Buffer.from(`{"${name}":[`)];
  const events: readonly FoldedEvent[] =
    maxFoldedBytes === null
      ? page.events.map((event, lastIndex) => ({ event, lastIndex }))
      : foldEvents(page.events, maxFoldedBytes);
  events.forEach(({ event, lastIndex }, index) => {
    if (index > 0) parts.push(Buffer.from(','));
    const offset = from.offset + lastIndex;
    parts.push(event.type === null ? malformed(offset, event.bytes.length) : event.bytes);
  });
  const { nextOffset } = page;
  const nextId = idAfter(page, from);
  parts.push(Buffer.from(`],${JSON.stringify({ nextOffset, nextId, ended }).slice(1)}`));
  return Buffer.concat(parts);
}

function malformed(offset: number, bytes: number): Buffer {
  return Buffer.from(JSON.stringify({ type: 'malformed', data: { offset, bytes } }));
}

/** The id to continue from; past the end of the stream, the bare offset. */
function idAfter(page: EventPage, from: Position): string {
  const last = page.events.at(-1);
  const tag = last === undefined ? tagAt(from.offset, page.before) : tagAfter(last);
  return tag === null ? String(page.nextOffset) : formatPosition(page.nextOffset, tag);
}

import { authorization, readerToken } from './credentials.js';

/** @typedef {{ sid: string, mid: string }} StreamId */
/** @typedef {{ nextOffset: number, streamStatus: string, inputs: { ackOffset: number } }} StreamStatus */
/** @typedef {'/stream' | '/inputs/stream'} FeedPath of the events, or of the inputs */
/** @typedef {{ inputs: Record<string, any>[], nextOffset: number, ended: boolean }} InputsPage */

/** A response of the service that is an error. Branch on `code`. */
export class ServiceError extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} detail of which the message makes a sentence
   */
  constructor(status, code, detail) {
    super(detail.charAt(0).toUpperCase() + detail.slice(1));
    this.status = status;
    this.code = code;
  }
}

/** Of a request for a feed or a list, nothing else can be invalid. */
export const invalidId =
  'A session or a message is named by 1 to 128 letters, digits, “-”, “_”, “.” or “~”, ' +
  'of which the first is a letter, a digit, “-” or “_”.';

/**
 * Whether the service itself has rejected the request, so that it would reject another try too.
 *
 * @param {unknown} error
 */
export function isFinal(error) {
  return error instanceof ServiceError && error.status < 500 && error.code !== 'unknown';
}

/** How long a response may take: a connection may be dead and look open. */
const responseTimeoutMs = 15_000;

/** Where the service is: the page may stand below a prefix. */
const base = document.baseURI;

/**
 * @param {StreamId} stream
 * @param {string} [rest]
 */
function urlOf({ sid, mid }, rest = '') {
  const path = `sessions/${encodeURIComponent(sid)}/messages/${encodeURIComponent(mid)}${rest}`;
  return new URL(path, base);
}

/**
 * @param {URL} url
 * @param {RequestInit & { headers?: Record<string, string> }} request
 * @returns {Promise<any>}
 */
async function ask(url, request) {
  const signal = AbortSignal.timeout(responseTimeoutMs);
  const response = await fetch(url, { cache: 'no-store', signal, ...request });
  if (!response.ok) throw await toError(response);
  return response.json();
}

/** @param {Response} response */
async function toError(response) {
  const problem = await response.json().catch(() => ({}));
  const { code = 'unknown', detail = response.statusText } = problem;
  return new ServiceError(response.status, code, detail);
}

/** @param {string} sid */
export async function listStreams(sid) {
  const url = new URL(`sessions/${encodeURIComponent(sid)}`, base);
  const { streams } = await ask(url, { headers: authorization('read') });
  return /** @type {{ messageId: string, streamStatus: string, nextOffset: number }[]} */ (streams);
}

/** @param {StreamId} stream */
export async function getStatus(stream) {
  const status = await ask(urlOf(stream), { headers: authorization('read') });
  return /** @type {StreamStatus} */ (status);
}

/**
 * All events of a stream, page by page.
 *
 * @param {StreamId} stream
 */
export async function readAll(stream) {
  const events = [];
  let from = '0';
  while (true) {
    const url = urlOf(stream, `/events?offset=${from}`);
    const page = await ask(url, { headers: authorization('read') });
    if (page.events.length === 0) return events;
    events.push(...page.events);
    from = page.nextId;
  }
}

/**
 * Asks for a feed as an EventSource does, which does not tell why it was closed.
 *
 * @param {StreamId} stream
 * @param {string} from the id to go on from
 * @param {FeedPath} path
 * @returns {Promise<boolean>} whether there is one; false when there is nothing to come back for
 * @throws {ServiceError}
 */
export async function tryFeed(stream, from, path) {
  const signal = AbortSignal.timeout(responseTimeoutMs);
  const response = await fetch(feedUrl(stream, from, path), { cache: 'no-store', signal });
  if (!response.ok) throw await toError(response);
  await response.body?.cancel();
  return response.status !== 204;
}

/** @param {StreamId} stream */
export async function stop(stream) {
  await ask(urlOf(stream, '/stop'), { method: 'POST', headers: authorization('stop') });
}

/**
 * Sends an input to the worker of a stream.
 *
 * @param {StreamId} stream
 * @param {object} input with an id: the same one again is stored once
 */
export async function sendInput(stream, input) {
  const headers = { 'content-type': 'application/json', ...authorization('input') };
  await ask(urlOf(stream, '/inputs'), { method: 'POST', headers, body: JSON.stringify(input) });
}

/** What makes a worker the one producer of its stream, which ends when the worker is gone for 30 seconds. */
const producer = { 'producer-id': 'inspector', 'producer-epoch': '1', 'producer-lease': '30' };

/**
 * Appends events as a producer whose retries are known.
 *
 * @param {StreamId} stream
 * @param {readonly object[]} events
 * @param {number} seq
 * @param {number} ackOffset acknowledges the inputs before it
 */
export async function append(stream, events, seq, ackOffset) {
  const headers = {
    'content-type': 'application/json',
    ...producer,
    'producer-seq': String(seq),
    'inputs-ack-offset': String(ackOffset),
    ...authorization('append'),
  };
  await ask(urlOf(stream, '/events'), { method: 'POST', headers, body: JSON.stringify(events) });
}

/**
 * Renews the lease without an event.
 *
 * @param {StreamId} stream
 * @param {number} ackOffset acknowledges the inputs before it
 */
export async function renewLease(stream, ackOffset) {
  const headers = {
    ...producer,
    'inputs-ack-offset': String(ackOffset),
    ...authorization('append'),
  };
  await ask(urlOf(stream, '/lease'), { method: 'POST', headers });
}

/**
 * Reads inputs as the worker of a stream; without any, it waits for a while until there are some.
 *
 * @param {StreamId} stream
 * @param {number} offset of the first one
 */
export async function readInputs(stream, offset) {
  const url = urlOf(stream, `/inputs?offset=${offset}&wait=10`);
  const page = await ask(url, { headers: authorization('append') });
  return /** @type {InputsPage} */ (page);
}

/**
 * The URL of a feed.
 *
 * @param {StreamId} stream
 * @param {string} from the id to go on from
 * @param {FeedPath} path
 */
export function feedUrl(stream, from, path) {
  const url = urlOf(stream, path);
  url.searchParams.set('lastEventId', from);
  url.searchParams.set('control', 'true');
  const token = readerToken();
  if (token !== '') url.searchParams.set('token', token);
  return url;
}

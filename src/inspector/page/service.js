import { authorization, readerToken } from './credentials.js';

/** @typedef {{ sid: string, mid: string }} StreamId */

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
  return /** @type {{ nextOffset: number, streamStatus: string }} */ (status);
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
 * @returns {Promise<boolean>} whether there is one; false when there is nothing to come back for
 * @throws {ServiceError}
 */
export async function tryFeed(stream, from) {
  const signal = AbortSignal.timeout(responseTimeoutMs);
  const response = await fetch(feedUrl(stream, from), { cache: 'no-store', signal });
  if (!response.ok) throw await toError(response);
  await response.body?.cancel();
  return response.status !== 204;
}

/** @param {StreamId} stream */
export async function stop(stream) {
  await ask(urlOf(stream, '/stop'), { method: 'POST', headers: authorization('stop') });
}

/**
 * Appends events as a producer whose retries are known.
 *
 * @param {StreamId} stream
 * @param {readonly object[]} events
 * @param {number} seq
 */
export async function append(stream, events, seq) {
  const headers = {
    'content-type': 'application/json',
    'producer-id': 'inspector',
    'producer-epoch': '1',
    'producer-seq': String(seq),
    'producer-lease': '30',
    ...authorization('append'),
  };
  await ask(urlOf(stream, '/events'), { method: 'POST', headers, body: JSON.stringify(events) });
}

/**
 * The URL of the feed.
 *
 * @param {StreamId} stream
 * @param {string} from the id to go on from
 */
export function feedUrl(stream, from) {
  const url = urlOf(stream, '/stream');
  url.searchParams.set('lastEventId', from);
  url.searchParams.set('control', 'true');
  const token = readerToken();
  if (token !== '') url.searchParams.set('token', token);
  return url;
}

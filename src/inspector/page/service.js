import { authorization, readerToken } from './credentials.js';

/** @typedef {{ sid: string, mid: string }} StreamId */

/** A refusal of the service. Branch on `code`. */
export class Refusal extends Error {
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
  const response = await fetch(url, { cache: 'no-store', ...request });
  if (!response.ok) throw await toRefusal(response);
  return response.json();
}

/** @param {Response} response */
async function toRefusal(response) {
  const problem = await response.json().catch(() => ({}));
  const { code = 'unknown', detail = response.statusText } = problem;
  return new Refusal(response.status, code, detail);
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
 * Asks for a feed as an EventSource does, which does not tell why it was refused.
 *
 * @param {StreamId} stream
 * @param {string} from the id to go on from
 * @throws {Refusal}
 */
export async function tryFeed(stream, from) {
  const abort = new AbortController();
  const response = await fetch(feedUrl(stream, from), { cache: 'no-store', signal: abort.signal });
  if (!response.ok) throw await toRefusal(response);
  abort.abort();
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
  url.searchParams.set('offset', from);
  const token = readerToken();
  if (token !== '') url.searchParams.set('token', token);
  return url;
}

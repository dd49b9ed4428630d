import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../../errors.js';

/** Those that the service reads. */
const ownHeaders = [
  'Authorization',
  'Content-Type',
  'Last-Event-ID',
  'Producer-Id',
  'Producer-Epoch',
  'Producer-Seq',
  'Producer-Lease',
  'Stream-TTL',
  'Inputs-Ack-Offset',
];

/** How long a browser may rely on a preflight, in seconds; Chromium keeps none for longer. */
const maxAge = '7200';

const exposingHeaders = {
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': 'Stream-Next-Offset, Inputs-Next-Offset, Stream-Refused',
} as const;

/**
 * Lets pages of listed origins, and of no other, read responses.
 *
 * @returns whether the request is from such a page
 */
export function setCorsHeaders(
  { headers: { origin } }: Pick<IncomingMessage, 'headers'>,
  reply: FastifyReply,
  origins: Origins,
): boolean {
  if (origins.isEmpty) return false;
  reply.header('vary', 'Origin'); // without an origin too: with one, the response would differ
  if (origin === undefined || !origins.has(origin)) return false;
  reply.header('access-control-allow-origin', origin).headers(exposingHeaders);
  return true;
}

/** Asks, ahead of a request, whether a page may send it. A browser sends no key along. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

/**
 * The headers of the response to the preflight of a page of a listed origin.
 *
 * @param headers that pages may send beside those that the service reads
 */
export function preflightHeaders(headers: readonly string[]): Readonly<Record<string, string>> {
  return {
    'access-control-allow-methods': 'GET, HEAD, POST, DELETE',
    'access-control-allow-headers': withoutRepeats([...ownHeaders, ...headers]).join(', '),
    'access-control-max-age': maxAge,
    'content-length': '0', // without which Safari waits for a body of 204
  };
}

/** Each name once, in whatever letters. */
function withoutRepeats(names: readonly string[]): string[] {
  const lower = names.map((name) => name.toLowerCase());
  return names.filter((_, index) => lower.indexOf(lower[index] as string) === index);
}

/** One label of a host name, in the form in which browsers send it. */
const label = '[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?';

/** The origins whose pages may use the service. */
export class Origins {
  readonly #exact: ReadonlySet<string>;
  readonly #patterns: readonly RegExp[];

  /** @param list as browsers send them; a host may begin with `*.`, which stands for one label */
  constructor(list: readonly string[]) {
    this.#exact = new Set(list.filter((origin) => !origin.includes('*')));
    this.#patterns = list.filter((origin) => origin.includes('*')).map(toPattern);
  }

  get isEmpty(): boolean {
    return this.#exact.size + this.#patterns.length === 0;
  }

  has(origin: string): boolean {
    return this.#exact.has(origin) || this.#patterns.some((pattern) => pattern.test(origin));
  }
}

function toPattern(origin: string): RegExp {
  const [before = '', after = ''] = origin.split('*').map(escapeText);
  return new RegExp(`^${before}${label}${after}$`);
}

function escapeText(text: string): string {
  return text.replaceAll(/[^\w]/g, '\\$&');
}

/** These change nothing. */
const safeMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];

/**
 * The CSRF check: why a foreign page may not send this, unless that origin is listed; null
 * when nothing is wrong. A page can post without a body to any address that its user's browser
 * reaches, loopback too, and without asking first: so it could stop a stream.
 */
export function crossOriginError(request: FastifyRequest, origins: Origins): ServiceError | null {
  if (senderOf(request.raw.headers, origins) !== 'cross-origin' || !isWrite(request)) return null;
  return new ServiceError('forbidden', 'a page of an origin that is not listed may not do this');
}

/**
 * A browser adds cookies to whatever any page asks for, so a cookie does not say who wants something
 * done: the request has to show that a listed page does. Browsers send at least one of the two
 * headers with a POST.
 *
 * @throws ServiceError `forbidden`
 */
export function rejectCookieOfOthers(request: FastifyRequest, origins: Origins): void {
  if (!isWrite(request) || senderOf(request.raw.headers, origins) === 'same-origin') return;
  throw new ServiceError('forbidden', 'with a cookie, only pages of listed origins may do this');
}

/** A route that is public, or none at all, changes nothing whatever the method. */
function isWrite({ method, is404, routeOptions }: FastifyRequest): boolean {
  return !(safeMethods.includes(method) || is404 || routeOptions.config.access === 'public');
}

/** Pages of listed origins count as the service's own. */
type Sender = 'same-origin' | 'cross-origin' | 'no browser';

/**
 * Pages cannot set either header. Where `Sec-Fetch-Site` is missing, since TLS is (Fetch Metadata,
 * section 3), the host of `Origin` has to be ours. Of what has neither, or `none` for a site, the page
 * is unknown; all of it may be a program, and some of it an old browser.
 */
function senderOf(headers: IncomingHttpHeaders, origins: Origins): Sender {
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (origin !== undefined && origins.has(origin)) return 'same-origin';
  if (site === 'none' || (site === undefined && origin === undefined)) return 'no browser';
  const isOwn = site === undefined ? hostOf(origin) === host : site === 'same-origin';
  return isOwn ? 'same-origin' : 'cross-origin';
}

function hostOf(origin = ''): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

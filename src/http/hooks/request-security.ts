import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { ServiceError } from '../../errors.js';
import {
  crossOriginError,
  isPreflight,
  type Origins,
  preflightHeaders,
  setCorsHeaders,
} from './cross-origin.js';
import type { HostRule } from './request-headers.js';

/**
 * What a browser is told of a response that is no page. The address of a request may hold a token, so
 * nobody is to keep the response or to pass the address on. Not `Cross-Origin-Resource-Policy`: pages of
 * listed origins read feeds.
 */
export const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
} as const;

export interface RequestChecks {
  /** Whether the client's address is told from `X-Forwarded-For`. */
  readonly trustsProxies: boolean;
  readonly hosts: HostRule;
  /** The origins whose pages may use the service. */
  readonly origins: Origins;
  /** Headers that these pages may send beside those that the service reads. */
  readonly corsHeaders: readonly string[];
}

/**
 * What every request passes first, whatever it leads to. One hook, since each costs every append; the
 * headers come first, so that pages can read why they are rejected, and preflights ahead of access,
 * since they bring no key.
 */
export function checkRequests(app: FastifyInstance, checks: RequestChecks): void {
  const { trustsProxies, hosts, origins } = checks;
  const preflight = preflightHeaders(checks.corsHeaders);
  app.addHook('onRequest', (request, reply, done) => {
    const { raw } = request;
    reply.headers(securityHeaders);
    const isListed = setCorsHeaders(raw, reply, origins);
    if (trustsProxies) cleanForwardedFor(raw);
    const error = hosts.errorOf(raw) ?? transferCodingError(raw, reply);
    if (error === null && isListed && isPreflight(raw)) {
      reply.code(204).headers(preflight).send();
      return;
    }
    done(error ?? crossOriginError(request, origins) ?? undefined);
  });
}

/**
 * Why a body is not supported that is in another transfer coding than chunks, which nobody here would
 * undo (RFC 9112, section 6.1); null when nothing is wrong. HTTP/1.0 has no transfer codings: what
 * passes such a body on may not know where it ends.
 */
function transferCodingError(
  { headers, httpVersion }: IncomingMessage,
  reply: FastifyReply,
): ServiceError | null {
  const codings = headers['transfer-encoding'];
  if (codings === undefined) return null;
  if (httpVersion === '1.0') {
    reply.header('connection', 'close');
    return new ServiceError('invalid_header', 'HTTP/1.0 has no Transfer-Encoding');
  }
  if (codings.toLowerCase() === 'chunked') return null;
  return new ServiceError('not_implemented', 'the only supported transfer coding is chunked');
}

/** An IPv4 address with a port, or an address in brackets with or without one. */
const withPort = /^(?:\[([^\]]+)\](?::\d{1,5})?|([^:]+):\d{1,5})$/;

/**
 * Makes `X-Forwarded-For` a list of addresses alone, from which the framework tells that of the
 * client. Proxies add ports, and pass on what a client wrote there itself: taken for addresses, such
 * texts would each count apart, and none would be that of a trusted proxy.
 */
function cleanForwardedFor({ headers }: IncomingMessage): void {
  const text = headers['x-forwarded-for'];
  if (text !== undefined) headers['x-forwarded-for'] = addressesIn(String(text)).join(', ');
}

/** Those after the last text that is none: the proxy that wrote it stands in for its client. */
function addressesIn(list: string): string[] {
  const texts = list.split(',').map((text) => text.trim());
  const addresses = texts.filter((text) => text !== '').map(toAddress);
  return addresses.slice(addresses.lastIndexOf(null) + 1) as string[];
}

function toAddress(text: string): string | null {
  const bare = text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
  const match = withPort.exec(bare);
  // A zone names an interface of the machine that wrote it.
  const [address = ''] = (match?.[1] ?? match?.[2] ?? bare).split('%', 1);
  return isIP(address) === 0 ? null : address;
}

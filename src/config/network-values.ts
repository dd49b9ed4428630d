import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';
import { hasSoundBraces } from '../store/redis/redis-keys.js';
import { listOf, optionalText, unreadableReason } from './values.js';

const addressRule = 'must be host:port, or a list of them';

/** An IPv6 host stands in brackets. */
const address = z.string(addressRule).transform((text, context) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s,:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match !== null && port >= 1 && port <= 65_535) {
    return { host: (match[1] ?? match[2]) as string, port };
  }
  context.addIssue(addressRule);
  return z.NEVER;
});

/** `host:port`, or several of them. */
export const addresses = listOf(address).refine(({ length }) => length > 0, addressRule);

/** The path of a file of PEM certificates, whose content becomes the value. */
export const certificates = optionalText.transform((path, context) => {
  if (path === undefined) return undefined;
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    context.addIssue(`cannot be read: ${path}: ${unreadableReason(error)}`);
    return z.NEVER;
  }
  try {
    new X509Certificate(content);
    return content;
  } catch {
    context.addIssue(`holds no certificates: ${path}`);
    return z.NEVER;
  }
});

/** The prefix of all keys in Redis, used byte for byte, never trimmed. */
export const redisPrefix = z
  .string('must be text')
  .min(1, 'must not be empty')
  .refine(
    hasSoundBraces,
    'has unbalanced or empty braces, which Redis Cluster reads as a hash tag',
  );

const proxyRule = 'must be the address of a proxy, or a range of them: 10.0.0.0/8';

/** Addresses and ranges of them (CIDR). */
export const proxies = listOf(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], proxyRule));

const hostRule = 'must be the name of a host, without a port: events.example.com';

/** Host names as in the header `Host`, in upper or lower case. IP addresses need not be listed. */
export const hostNames = listOf(
  z
    .string(hostRule)
    .regex(/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i, hostRule)
    .toLowerCase(),
);

const originRule = 'must be an origin as browsers send it: https://app.example.com';

export const origins = listOf(z.string(originRule).refine(isOrigin, originRule));

/**
 * An origin is a scheme, a host and a port unless it is the default one, in lower case; anything else
 * would never match. A `*` may stand for the first label of a host with at least two more.
 */
function isOrigin(text: string): boolean {
  const { protocol, host } = URL.canParse(text) ? new URL(text) : { protocol: '', host: '' };
  const isSound = !host.includes('*') || /^\*(\.[^.*]+){2,}$/.test(host);
  return host !== '' && isSound && text === `${protocol}//${host}`;
}

const headerRule = 'must be the name of a request header: X-Request-Id';

/** Headers that browser libraries add and the service ignores: caches, frameworks, tracing. */
const usualHeaders = [
  'Cache-Control',
  'X-Requested-With',
  'traceparent',
  'tracestate',
  'baggage',
  'sentry-trace',
];

/** Names of headers for `Access-Control-Allow-Headers`. */
export const corsHeaders = listOf(
  z.string(headerRule).regex(/^[\w!#$%&'+.^`|~-]+$/, headerRule),
).default(usualHeaders);

/** Whether a server that listens on the host can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

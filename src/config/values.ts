import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';
import { keyIdPattern, scopes, splitApiKey } from '../auth/api-keys.js';
import { hasSoundBraces } from '../store/redis/redis-keys.js';

/** A whole number, from YAML as a number or from the environment as text. */
export function wholeNumber(least: number, most: number) {
  return z
    .union(
      [
        z.number(),
        z
          .string()
          .regex(/^[0-9]+$/)
          .transform(Number),
      ],
      'must be a whole number',
    )
    .pipe(z.int().min(least, `must be at least ${least}`).max(most, `must be at most ${most}`));
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The longest that a timer can wait; a longer one fires at once. */
const longestTimerMs = 2 ** 31 - 1;

/** `500ms`, `15s`, `10m`, `1h`, `7d`, or `0`, as milliseconds. */
export function duration(leastMs: number, mostMs = longestTimerMs) {
  return z
    .union([z.string(), z.number()])
    .transform((value, context) => {
      const match = /^(?:(\d{1,12})(ms|s|m|h|d)|0)$/.exec(String(value));
      if (match !== null)
        return Number(match[1] ?? 0) * unitMs[(match[2] ?? 'ms') as keyof typeof unitMs];
      context.addIssue({ code: 'custom', message: 'must be a duration: 500ms, 15s, 10m, 1h, 7d' });
      return z.NEVER;
    })
    .pipe(
      z
        .int()
        .min(leastMs, `must be at least ${leastMs}ms`)
        .max(mostMs, `must be at most ${mostMs}ms`),
    );
}

const unitBytes = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** `100B`, `256KiB`, `1MiB`, `2GiB`, as bytes. */
export function size() {
  return z
    .union([z.string(), z.number()])
    .transform((value, context) => {
      const match = /^(\d{1,12})(B|KiB|MiB|GiB)$/.exec(String(value));
      if (match !== null) return Number(match[1]) * unitBytes[match[2] as keyof typeof unitBytes];
      context.addIssue({ code: 'custom', message: 'must be a size: 256KiB, 1MiB, 2GiB' });
      return z.NEVER;
    })
    .pipe(z.int().min(1, 'must be at least 1B'));
}

/** `z.coerce.boolean()` takes "false" for true. */
export const flag = z.union([z.boolean(), z.stringbool()], 'must be true or false');

/** A flag, or `auto`: the service decides. */
export const automatic = z.union(
  [z.literal('auto'), z.boolean(), z.stringbool()],
  'must be auto, true or false',
);

/** A text that may be left out; in YAML, a key without a value is null. */
export const optionalText = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);

/** `host:port`, or several of them: a YAML list, or a text with commas. */
export const addresses = z
  .union([z.string(), z.array(z.string())], 'must be host:port, or a list of them')
  .transform((value, context) => {
    const parts = typeof value === 'string' ? value.split(',') : value;
    const parsed = parts.map((part) => parseAddress(part.trim()));
    const sound = parsed.filter((address) => address !== null);
    if (sound.length > 0 && sound.length === parsed.length) return sound;
    context.addIssue({ code: 'custom', message: 'must be host:port, or a list of them' });
    return z.NEVER;
  });

/** An IPv6 host stands in brackets. */
function parseAddress(text: string): { host: string; port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s,:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) return null;
  return { host: (match[1] ?? match[2]) as string, port };
}

/** The path of a file of PEM certificates; what it holds is the value. */
export const certificates = optionalText.transform((path, context) => {
  if (path === undefined) return undefined;
  try {
    const content = readFileSync(path, 'utf8');
    new X509Certificate(content);
    return content;
  } catch (error) {
    const { message } = error as Error;
    context.addIssue({ code: 'custom', message: `holds no certificates: ${path}: ${message}` });
    return z.NEVER;
  }
});

/** Used byte for byte, never trimmed. */
export const redisPrefix = z
  .string()
  .min(1, 'must not be empty')
  .refine(
    hasSoundBraces,
    'has unbalanced or empty braces, which Redis Cluster reads as a hash tag',
  );

/** A list in YAML, or text with commas; in YAML, a key without a value is an empty list. */
export function listOf<Item extends z.ZodType>(item: Item) {
  const split = (value: unknown) =>
    typeof value === 'string' ? value.split(',').map((part) => part.trim()) : (value ?? []);
  return z.preprocess(split, z.array(item, 'must be a list')).prefault([]);
}

const idRule = 'must be 1 to 64 letters, digits, _ or -';
const digestRule = 'must be the SHA-256 of the secret, 64 hex digits';
const scopesRule = `must be one or more of ${scopes.join(', ')}`;

const apiKey = z.preprocess(
  (value) => (typeof value === 'string' ? splitApiKey(value) : value),
  z.strictObject(
    {
      id: z.string(idRule).regex(keyIdPattern, idRule),
      sha256: z.string(digestRule).regex(/^[0-9a-fA-F]{64}$/, digestRule),
      scopes: z.array(z.enum(scopes, scopesRule), scopesRule).min(1, scopesRule).readonly(),
    },
    'must have an id, a sha256 and scopes',
  ),
);

/** The messages name places, never values: a secret may have been put here by mistake. */
export const apiKeys = listOf(apiKey).check(({ value, issues }) => {
  const ids = value.map(({ id }) => id);
  ids.forEach((id, index) => {
    if (ids.indexOf(id) === index) return;
    const message = 'is the id of another key too';
    issues.push({ code: 'custom', message, input: value, path: [index, 'id'] });
  });
});

const proxyRule = 'must be the address of a proxy, or a range of them: 10.0.0.0/8';

/** Addresses and ranges of them (CIDR). */
export const proxies = listOf(z.string(proxyRule).refine(isAddressRange, proxyRule));

function isAddressRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
  );
}

const hostRule = 'must be the name of a host, without a port: events.example.com';

/** Names as they stand in `Host`, in any case. IP addresses need not be listed. */
export const hostNames = listOf(
  z
    .string(hostRule)
    .regex(/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i, hostRule)
    .toLowerCase(),
);

const originRule = 'must be an origin as browsers send it: https://app.example.com';

export const origins = listOf(z.string(originRule).refine(isOrigin, originRule));

/**
 * Scheme, host and any port but the scheme's own, in lower case; all else would never match. A `*` may
 * stand for the first label of a host that has two more.
 */
function isOrigin(text: string): boolean {
  const { protocol, host } = URL.canParse(text) ? new URL(text) : { protocol: '', host: '' };
  const isSound = !host.includes('*') || /^\*(\.[^.*]+){2,}$/.test(host);
  return host !== '' && isSound && text === `${protocol}//${host}`;
}

const headerRule = 'must be the name of a request header: X-Request-Id';

/** What libraries for pages send that the service does not read: caches, frameworks, tracing. */
const usualHeaders = [
  'Cache-Control',
  'X-Requested-With',
  'traceparent',
  'tracestate',
  'baggage',
  'sentry-trace',
];

/** Names of headers, as they stand in `Access-Control-Allow-Headers`. */
export const corsHeaders = listOf(
  z.string(headerRule).regex(/^[\w!#$%&'+.^`|~-]+$/, headerRule),
).default(usualHeaders);

/** Whether only this machine can reach what listens on the host. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

import { isLoopback } from './network-values.js';
import { nameOf, type SettingPath, type Settings, settings, settingsSchema } from './settings.js';
import type { Variables } from './variables.js';

/** Two or more settings that may contradict each other, and the error for the first of them. */
type Contradiction = readonly [
  paths: readonly [SettingPath, ...SettingPath[]],
  isBroken: (values: Settings, variables: Readonly<Variables>) => boolean,
  message: string,
];

const tokenSources = [
  'auth.reader_secret',
  'auth.reader_public_key',
  'auth.reader_jwks_url',
] as const;
const withoutTokens = `has no effect unless one of ${tokenSources.join(', ')} is set`;
const withoutTls = 'has no effect unless stream_manager.redis.tls.enabled is set';

const contradictions: readonly Contradiction[] = [
  [
    ['server.host', 'auth.disabled', 'auth.api_keys'],
    ({ server, auth }) => !auth.disabled && auth.api_keys.length === 0 && !isLoopback(server.host),
    'is not a loopback address, and there are no API keys: any client that reaches it could append ' +
      'and delete. Set AUTH_API_KEYS, HOST=127.0.0.1 or AUTH_DISABLED=true',
  ],
  [
    ['auth.disabled', 'auth.api_keys'],
    ({ auth }) => auth.disabled && auth.api_keys.length > 0,
    'is true, and there are API keys: remove one of the two',
  ],
  [
    ['auth.disabled', ...tokenSources],
    ({ auth }) => auth.disabled && takesReaderTokens(auth),
    'is true, and there are settings of reader tokens: remove one of the two',
  ],
  [
    ['auth.reader_public_key', 'auth.reader_jwks_url'],
    ({ auth }) => isSet(auth.reader_public_key) && isSet(auth.reader_jwks_url),
    'is set together with auth.reader_jwks_url: remove one of the two',
  ],
  [
    ['auth.reader_issuer', ...tokenSources],
    ({ auth }) => isSet(auth.reader_issuer) && !takesReaderTokens(auth),
    withoutTokens,
  ],
  [
    ['auth.reader_audience', ...tokenSources],
    ({ auth }) => isSet(auth.reader_audience) && !takesReaderTokens(auth),
    withoutTokens,
  ],
  [
    ['auth.reader_claims.mid', 'auth.reader_claims.sid'],
    ({ auth: { reader_claims } }) => reader_claims.mid === reader_claims.sid,
    'is the same claim as auth.reader_claims.sid',
  ],
  [
    ['auth.reader_claims.scope', 'auth.reader_claims.sid', 'auth.reader_claims.mid'],
    ({ auth: { reader_claims } }) =>
      [reader_claims.sid, reader_claims.mid].includes(reader_claims.scope),
    'is the same claim as auth.reader_claims.sid or auth.reader_claims.mid',
  ],
  [
    ['stream_manager.redis.address', 'stream_manager.redis.mode'],
    ({ stream_manager: { redis } }) => redis.mode === 'standalone' && redis.address.length > 1,
    'must be one address in the mode standalone; several are for cluster and sentinel',
  ],
  [
    ['stream_manager.redis.sentinel_name', 'stream_manager.redis.mode'],
    ({ stream_manager: { redis } }) => redis.mode === 'sentinel' && !isSet(redis.sentinel_name),
    'must be set in the mode sentinel: the name by which the sentinels know the primary',
  ],
  [
    ['stream_manager.redis.mode'],
    ({ stream_manager: { redis } }, variables) =>
      redis.mode === 'sentinel' && variables.REDIS_URL !== undefined,
    'is sentinel, and REDIS_URL names a server and no sentinel: set REDIS_ADDR instead',
  ],
  [
    ['stream_manager.redis.sentinel_name', 'stream_manager.redis.mode'],
    ({ stream_manager: { redis } }) => redis.mode !== 'sentinel' && isSet(redis.sentinel_name),
    'is for the mode sentinel only',
  ],
  [
    ['stream_manager.redis.db', 'stream_manager.redis.mode'],
    ({ stream_manager: { redis } }) => redis.mode === 'cluster' && redis.db !== 0,
    'must be 0 in the mode cluster',
  ],
  [
    ['stream_manager.redis.tls.server_name', 'stream_manager.redis.tls.enabled'],
    ({ stream_manager: { redis } }) => !redis.tls.enabled && isSet(redis.tls.server_name),
    withoutTls,
  ],
  [
    ['stream_manager.redis.tls.ca_file', 'stream_manager.redis.tls.enabled'],
    ({ stream_manager: { redis } }) => !redis.tls.enabled && isSet(redis.tls.ca_file),
    withoutTls,
  ],
  [
    ['feed.max_feeds', 'server.max_connections'],
    (values, variables) =>
      values.feed.max_feeds >= values.server.max_connections &&
      isChosen('feed.max_feeds', values, variables) &&
      isChosen('server.max_connections', values, variables),
    `must be below ${nameOf('server.max_connections')}: each feed takes a connection`,
  ],
  [
    ['limits.bodies_in_flight', 'limits.body_bytes'],
    // Otherwise a client with a larger body would get 503 and retry for ever.
    ({ limits }) => limits.bodies_in_flight < limits.body_bytes,
    `must be at least ${nameOf('limits.body_bytes')}, or such a body is never read`,
  ],
];

/**
 * Settings that contradict each other.
 *
 * @param invalid settings and sections that are errors already, and have their defaults here
 */
export function contradictionErrors(
  values: Settings,
  invalid: readonly string[],
  variables: Readonly<Variables>,
): string[] {
  return contradictions.flatMap(([paths, isBroken, message]) => {
    const isUnknown = paths.some((path) => invalid.some((bad) => `${path}.`.startsWith(`${bad}.`)));
    return isUnknown || !isBroken(values, variables) ? [] : [`${nameOf(paths[0])}: ${message}`];
  });
}

function isSet(value: unknown): boolean {
  return value !== undefined;
}

/** Whether tokens are accepted. */
export function takesReaderTokens(auth: Settings['auth']): boolean {
  const { reader_secret, reader_public_key, reader_jwks_url } = auth;
  return reader_secret.length > 0 || isSet(reader_public_key) || isSet(reader_jwks_url);
}

const defaults = settingsSchema.parse({});
const variableOf = new Map(settings.map(({ path, variable }) => [path, variable]));

/** Whether a scalar setting was set, be it to its default by a variable. */
export function isChosen(
  path: SettingPath,
  values: Settings,
  variables: Readonly<Variables>,
): boolean {
  const isVariableSet = variables[variableOf.get(path) as string] !== undefined;
  return isVariableSet || valueAt(path, values) !== valueAt(path, defaults);
}

export function valueAt(path: SettingPath, values: Settings): unknown {
  return path.split('.').reduce<unknown>((value, key) => Object(value)[key], values);
}

import type { StreamManagerType } from '../store/create-stream-manager.js';
import { isLoopback } from './network-values.js';
import { nameOf, type SettingPath, type Settings, settings, settingsSchema } from './settings.js';
import type { SettingWarning, Variables } from './sources.js';

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
  onlyWithTokens('auth.reader_issuer'),
  onlyWithTokens('auth.reader_audience'),
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
  onlyWithTls('stream_manager.redis.tls.server_name'),
  onlyWithTls('stream_manager.redis.tls.ca_file'),
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

function onlyWithTokens(path: SettingPath): Contradiction {
  return [
    [path, ...tokenSources],
    (values) => isSet(valueAt(path, values)) && !takesReaderTokens(values.auth),
    `has no effect unless one of ${tokenSources.join(', ')} is set`,
  ];
}

function onlyWithTls(path: SettingPath): Contradiction {
  const switchPath = 'stream_manager.redis.tls.enabled';
  return [
    [path, switchPath],
    (values) => isSet(valueAt(path, values)) && valueAt(switchPath, values) === false,
    `has no effect unless ${switchPath} is set`,
  ];
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
function isChosen(path: SettingPath, values: Settings, variables: Readonly<Variables>): boolean {
  const isVariableSet = variables[variableOf.get(path) as string] !== undefined;
  return isVariableSet || valueAt(path, values) !== valueAt(path, defaults);
}

function valueAt(path: SettingPath, values: Settings): unknown {
  return path.split('.').reduce<unknown>((value, key) => Object(value)[key], values);
}

/** A setting that has no effect above another one, and the consequence. */
type Ceiling = readonly [
  setting: SettingPath,
  ceiling: SettingPath,
  detail: string,
  only?: StreamManagerType,
];

const ceilings: readonly Ceiling[] = [
  ['limits.event_bytes', 'limits.body_bytes', 'only NDJSON can bring an event that large'],
  ['limits.event_bytes', 'limits.bodies_in_flight', 'not even NDJSON can bring one'],
  ['limits.event_bytes', 'limits.stream_bytes', 'no stream accepts an event that large'],
  [
    'limits.stream_bytes',
    'stream_manager.memory.max_bytes',
    'the store is full before a stream is',
    'memory',
  ],
  [
    'limits.session_streams',
    'stream_manager.memory.max_streams',
    'the store is full before a session is',
    'memory',
  ],
  ['feed.max_feeds_per_stream', 'feed.max_feeds', 'it limits nothing'],
  ['feed.heartbeat', 'feed.max_age', 'no feed lasts until its first heartbeat'],
  ['feed.linger', 'feed.max_age', 'a feed may end before'],
  ['feed.start_timeout', 'feed.max_age', 'a feed ends before'],
];

/** Warnings for settings that probably do not have the intended effect. */
export function settingWarnings(
  values: Settings,
  variables: Readonly<Variables>,
): SettingWarning[] {
  return [
    ...aboveCeilings(values, variables),
    ...slowPolls(values),
    ...otherBackend(values, variables),
  ];
}

/** Limits the feeds to two thirds of the connections, as by default: appends need some too. */
export function limitFeeds(
  values: Settings,
  variables: Readonly<Variables>,
): { readonly maxFeeds: number; readonly warnings: readonly SettingWarning[] } {
  const { max_feeds } = values.feed;
  const { max_connections } = values.server;
  if (max_feeds < max_connections) return { maxFeeds: max_feeds, warnings: [] };
  const setting = nameOf('feed.max_feeds');
  if (isChosen('feed.max_feeds', values, variables)) {
    const detail = `should be below ${nameOf('server.max_connections')}: each feed takes a connection`;
    return { maxFeeds: max_feeds, warnings: [{ setting, detail }] };
  }
  const maxFeeds = Math.max(1, Math.floor((max_connections * 2) / 3));
  const detail = `is ${maxFeeds}, two thirds of server.max_connections`;
  return { maxFeeds, warnings: [{ setting, detail }] };
}

function aboveCeilings(values: Settings, variables: Readonly<Variables>): SettingWarning[] {
  return ceilings.flatMap(([path, ceiling, detail, only = values.stream_manager.type]) => {
    const isAbove = Number(valueAt(path, values)) > Number(valueAt(ceiling, values));
    // A default may be without effect.
    if (!isAbove || !isChosen(path, values, variables) || only !== values.stream_manager.type)
      return [];
    return [{ setting: path, detail: `is above ${ceiling}: ${detail}` }];
  });
}

function slowPolls({ stream_manager, feed }: Settings): SettingWarning[] {
  const isSlow = feed.linger > 0 && feed.poll_interval > feed.linger;
  if (!isSlow || stream_manager.type !== 'redis') return [];
  const detail =
    'is above feed.linger: a late title that another program pushes may not reach the readers';
  return [{ setting: 'feed.poll_interval', detail }];
}

/** Warnings for variables of the backend that was not chosen: perhaps it should have been. */
function otherBackend(
  { stream_manager: { type } }: Settings,
  variables: Readonly<Variables>,
): SettingWarning[] {
  const others = Object.keys(variables).filter((name) => {
    const backend = name === 'REDIS_URL' ? 'redis' : backendOf(name);
    return backend !== undefined && backend !== type;
  });
  if (others.length === 0) return [];
  const detail = `no effect, as stream_manager.type (STREAM_MANAGER_TYPE) is ${type}`;
  return [{ setting: others.join(', '), detail }];
}

function backendOf(name: string): string | undefined {
  const path = settings.find(({ variable }) => variable === name)?.path;
  return /^stream_manager\.(memory|redis)\./.exec(path ?? '')?.[1];
}

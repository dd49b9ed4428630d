/**
 * Every setting, with its type, default, environment variable and description. `config.yaml`,
 * `.env.example` and the tables of docs/configuration.md are generated from here.
 */
import { z } from 'zod';
import { defaultClaimNames, defaultTokenCookie } from '../auth/reader-tokens.js';
import { streamManagerTypes } from '../store/create-stream-manager.js';
import { redisModes } from '../store/redis/connection/redis-options.js';
import { apiKeys, claimName, cookieName, jwksUrl, publicKey, secrets } from './auth-values.js';
import {
  addresses,
  certificates,
  corsHeaders,
  hostNames,
  origins,
  proxies,
  redisPrefix,
} from './network-values.js';
import {
  type Annotated,
  annotatedIn,
  autoFlag,
  duration,
  fileSetting,
  flag,
  integer,
  oneOf,
  optionalText,
  section,
  setting,
  size,
  text,
} from './values.js';

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Ten years: longer than anybody needs, and far below the latest date that JavaScript has. */
const maxTtl = '3650d';

const limit = integer(1, 1e9);
const rate = integer(0, 1e6);

const server = section({
  host: setting('HOST', text.default('127.0.0.1')).describe(
    'Address to listen on; beyond loopback only with API keys or `auth.disabled`.',
  ),
  port: setting('PORT', integer(0, 65_535).prefault(8080)).describe(
    'Port to listen on; 0 takes any free one, which the log names.',
  ),
  drain_delay: setting('DRAIN_DELAY', duration('0', '1h').prefault('5s')).describe(
    'On SIGTERM, how long everything is still served while /readyz responds 503; max 1h.',
  ),
  max_connections: setting('MAX_CONNECTIONS', integer(1, 1e7).prefault(30_000)).describe(
    'Max open connections; must be above `feed.max_feeds`, as each feed takes one.',
  ),
  trust_proxy: setting('TRUST_PROXY', proxies).describe(
    'Addresses, or ranges such as 10.0.0.0/8, of the proxies whose X-Forwarded-For names the address of a client.',
  ),
  allowed_hosts: setting('ALLOWED_HOSTS', hostNames).describe(
    'Host names that requests may be for, besides localhost and IP addresses; with API keys, an empty list allows any.',
  ),
});

const log = section({
  level: setting('LOG_LEVEL', oneOf(logLevels).default('info')).describe(
    'Lowest level that is logged: fatal, error, warn, info, debug, trace or silent.',
  ),
});

const memory = section({
  max_bytes: setting('MEMORY_MAX_BYTES', size().prefault('256MiB')).describe(
    'Max size of all streams in memory; each event counts 400 bytes on top of its own, each input 1,300, each stream 1.5 KiB.',
  ),
  max_streams: setting('MEMORY_MAX_STREAMS', limit.prefault(100_000)).describe(
    'Max number of streams in memory.',
  ),
});

const redis = section({
  mode: setting('REDIS_MODE', oneOf(redisModes).default('standalone')).describe(
    'What Redis is: standalone, cluster or sentinel.',
  ),
  address: setting('REDIS_ADDR', addresses.prefault('127.0.0.1:6379')).describe(
    'host:port of Redis, an IPv6 address in brackets; for cluster and sentinel, a list of nodes or sentinels.',
  ),
  sentinel_name: setting('REDIS_SENTINEL_NAME', optionalText).describe(
    'Name by which the sentinels know the primary; required for sentinel.',
  ),
  username: setting('REDIS_USERNAME', optionalText).describe('User at Redis.'),
  password: fileSetting('REDIS_PASSWORD', optionalText).describe(
    'Password at Redis; in YAML, put quotes around one that is all digits.',
  ),
  db: setting('REDIS_DB', integer(0, 1e6).prefault(0)).describe(
    'Number of the database; 0 for cluster.',
  ),
  prefix: setting('REDIS_PREFIX', redisPrefix.default('stream:events')).describe(
    'Prefix of every key, byte for byte.',
  ),
  tls: section({
    enabled: setting('REDIS_USE_TLS', flag.default(false)).describe(
      'Whether connections to Redis, and to sentinels, use TLS.',
    ),
    server_name: setting('REDIS_TLS_SERVER_NAME', optionalText).describe(
      'Name in the certificates, where it is not the host.',
    ),
    ca_file: setting('REDIS_TLS_CA_FILE', certificates).describe(
      'PEM file of the authorities to trust, instead of those that Node.js trusts.',
    ),
  }),
});

const streamManager = section({
  type: setting('STREAM_MANAGER_TYPE', oneOf(streamManagerTypes).default('memory')).describe(
    'Where streams are stored: memory or redis.',
  ),
  ttl: setting('STREAM_TTL', duration('0', maxTtl).prefault('1h')).describe(
    'A stream expires this long after its last event or heartbeat, unless it has a Stream-TTL; 0 means 24 hours.',
  ),
  max_ttl: setting('STREAM_MAX_TTL', duration('1s', maxTtl).prefault('7d')).describe(
    'Max time to live that the header Stream-TTL may give a stream.',
  ),
  max_age: setting('STREAM_MAX_AGE', duration('0', maxTtl).prefault('7d')).describe(
    'Max age up to which heartbeats without events keep a stream from expiring.',
  ),
  memory,
  redis,
});

const limits = section({
  event_bytes: setting('LIMITS_EVENT_BYTES', size().prefault('1MiB')).describe(
    'Max size of one event, as it is sent.',
  ),
  body_bytes: setting('LIMITS_BODY_BYTES', size().prefault('8MiB')).describe(
    'Max size of the body of one request.',
  ),
  bodies_in_flight: setting('LIMITS_BODIES_IN_FLIGHT', size().prefault('256MiB')).describe(
    'Max size of all bodies that are being read at once; above it, the service responds 503 `overloaded`.',
  ),
  stream_events: setting('LIMITS_STREAM_EVENTS', limit.prefault(100_000)).describe(
    'Max number of events of one stream.',
  ),
  stream_bytes: setting('LIMITS_STREAM_BYTES', size().prefault('64MiB')).describe(
    'Max size of the events of one stream.',
  ),
  stream_inputs: setting('LIMITS_STREAM_INPUTS', limit.prefault(1000)).describe(
    'Max number of inputs of one stream.',
  ),
  stream_input_bytes: setting('LIMITS_STREAM_INPUT_BYTES', size().prefault('4MiB')).describe(
    'Max size of the inputs of one stream.',
  ),
  session_streams: setting('LIMITS_SESSION_STREAMS', limit.prefault(10_000)).describe(
    'Max number of streams of one session.',
  ),
  appends_per_key: setting('LIMITS_APPENDS_PER_KEY', rate.prefault(0)).describe(
    'Max appends, stops and requests with inputs per second with one API key, or with the tokens of one session, on average over ten seconds; 0 sets no limit.',
  ),
  appends_per_address: setting('LIMITS_APPENDS_PER_ADDRESS', rate.prefault(0)).describe(
    'Max appends, stops and requests with inputs per second from one address, averaged likewise; 0 sets no limit.',
  ),
  feeds_per_key: setting('LIMITS_FEEDS_PER_KEY', rate.prefault(0)).describe(
    'Max feeds opened per second with one API key, on average over ten seconds; 0 sets no limit.',
  ),
  feeds_per_address: setting('LIMITS_FEEDS_PER_ADDRESS', rate.prefault(0)).describe(
    'Max feeds opened per second from one address, averaged likewise; 0 sets no limit.',
  ),
});

const feed = section({
  poll_interval: setting('FEED_POLL_INTERVAL', duration('10ms').prefault('1s')).describe(
    'On Redis, a followed stream is polled this often, also without a notification; 100ms where other programs push too, min 10ms.',
  ),
  heartbeat: setting('FEED_HEARTBEAT', duration('100ms').prefault('15s')).describe(
    'A silent feed sends a heartbeat this often; min 100ms.',
  ),
  linger: setting('FEED_LINGER', duration('0').prefault('3s')).describe(
    'A feed stays open this long after the end of its stream, for a late title.',
  ),
  start_timeout: setting('FEED_START_TIMEOUT', duration('0').prefault('60s')).describe(
    'After a reset, how long a feed waits for a stream that does not exist; also the max of ?startTimeout=.',
  ),
  max_age: setting('FEED_MAX_AGE', duration('1s').prefault('10m')).describe(
    'A feed ends about this long after it began, and its client reconnects; min 1s.',
  ),
  max_feeds: setting('FEED_MAX_FEEDS', integer(1, 1e7).prefault(20_000)).describe(
    'Max open feeds; two thirds of `server.max_connections` where only that one is lowered.',
  ),
  max_feeds_per_stream: setting(
    'FEED_MAX_FEEDS_PER_STREAM',
    integer(1, 1e7).prefault(10_000),
  ).describe('Max open feeds of one stream.'),
});

const auth = section({
  disabled: setting('AUTH_DISABLED', flag.default(false)).describe(
    'Whether any client that reaches the port may read and write; not together with API keys or reader tokens.',
  ),
  api_keys: setting('AUTH_API_KEYS', apiKeys).describe(
    'API keys, one of which every request then needs: { id, sha256, scopes: [append, read, admin] }, or id:sha256:scope+scope; `npm run key` creates them.',
  ),
  reader_secret: fileSetting('AUTH_READER_SECRET', secrets).describe(
    'Secret that signs reader tokens (HS256), of at least 32 characters, or a list of them.',
  ),
  reader_public_key: fileSetting('AUTH_READER_PUBLIC_KEY', publicKey).describe(
    'PEM public key that verifies reader tokens; not together with `auth.reader_jwks_url`.',
  ),
  reader_jwks_url: setting('AUTH_READER_JWKS_URL', jwksUrl).describe(
    'URL of the public keys (JWKS) of an identity provider; https, or http on loopback.',
  ),
  reader_issuer: setting('AUTH_READER_ISSUER', optionalText).describe(
    'The iss that every reader token must have.',
  ),
  reader_audience: setting('AUTH_READER_AUDIENCE', optionalText).describe(
    'The aud that every reader token must name.',
  ),
  reader_cookie: setting('AUTH_READER_COOKIE', cookieName.default(defaultTokenCookie)).describe(
    'Cookie that may bring a reader token.',
  ),
  reader_claims: section({
    sid: setting('AUTH_READER_CLAIM_SID', claimName.default(defaultClaimNames.sid)).describe(
      'Claim that holds the session of a reader token: a name, a URL, or a.b for b within a.',
    ),
    mid: setting('AUTH_READER_CLAIM_MID', claimName.default(defaultClaimNames.mid)).describe(
      'Claim that holds the message of a reader token.',
    ),
    scope: setting('AUTH_READER_CLAIM_SCOPE', claimName.default(defaultClaimNames.scope)).describe(
      'Claim that holds the rights of a reader token, as space-separated words or as a list.',
    ),
  }),
});

const cors = section({
  origins: setting('CORS_ORIGINS', origins).describe(
    'Origins whose pages may use the service; https://*.example.com stands for any one label.',
  ),
  headers: setting('CORS_HEADERS', corsHeaders).describe(
    'Request headers that such pages may send, besides those that the service reads.',
  ),
});

const inspector = section({
  enabled: setting('INSPECTOR_ENABLED', autoFlag.default('auto')).describe(
    'Whether /inspector is served; auto serves it where only this machine can reach the service.',
  ),
});

const docs = section({
  enabled: setting('DOCS_ENABLED', flag.default(true)).describe(
    'Whether /docs and /openapi.json are served.',
  ),
});

export const settingsSchema = z.strictObject({
  server,
  log,
  stream_manager: streamManager,
  limits,
  feed,
  auth,
  cors,
  inspector,
  docs,
});

export type Settings = z.infer<typeof settingsSchema>;

type Leaf = string | number | boolean | undefined | readonly unknown[];

type PathIn<Section> = {
  [Key in keyof Section & string]: Section[Key] extends Leaf
    ? Key
    : `${Key}.${PathIn<Section[Key]>}`;
}[keyof Section & string];

/** The path of a setting, such as `server.port`. */
export type SettingPath = PathIn<Settings>;

export type Setting = Annotated<SettingPath>;

export const settings: readonly Setting[] = annotatedIn<SettingPath>(settingsSchema);

/** Variables without a setting in `config.yaml`. */
export const extraVariables: readonly Omit<Setting, 'path'>[] = [
  {
    variable: 'CONFIG_FILE',
    default: 'config.yaml',
    description: 'File of settings; one that is named must exist.',
  },
  {
    variable: 'DEFAULT_HOST',
    default: '127.0.0.1',
    description: 'Address to listen on where `server.host` is not set; for images.',
  },
  {
    variable: 'REDIS_URL',
    default: undefined,
    description:
      'redis://user:password@host:port/db, or rediss:// for TLS, instead of the variables of these; it does not choose Redis, `stream_manager.type` does.',
  },
];

/** Every environment variable that the service reads. */
export const environmentVariables: readonly string[] = [...extraVariables, ...settings].flatMap(
  ({ variable, fileVariable }) =>
    fileVariable === undefined ? [variable] : [variable, fileVariable],
);

/** `server.port (PORT)`, also for a path within a setting: `auth.api_keys.0.id (AUTH_API_KEYS)`. */
export function nameOf(path: string): string {
  const found = settingAt(path);
  return found === undefined ? path : `${path} (${found.variable})`;
}

/** The setting at this path, or the one that contains it. */
export function settingAt(path: string): Setting | undefined {
  return settings.find((setting) => `${path}.`.startsWith(`${setting.path}.`));
}

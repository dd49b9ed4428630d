import { z } from 'zod';
import { streamManagerTypes } from '../store/create-stream-manager.js';
import { readerSettings } from './reader-settings.js';
import { redisSettingsSchema } from './redis-settings.js';
import {
  apiKeys,
  automatic,
  corsHeaders,
  duration,
  flag,
  hostNames,
  origins,
  proxies,
  size,
  wholeNumber,
} from './values.js';

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Ten years: beyond any use, and far from the end of what a date can say. */
const longestTtlMs = 3650 * 24 * 3_600_000;

/** The settings as they stand in `config.yaml`, with their defaults. */
export const settingsSchema = z.strictObject({
  server: z.prefault(
    z.strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: wholeNumber(0, 65_535).prefault(8080),
      drain_delay: duration(0, 3_600_000).prefault('5s'),
      max_connections: wholeNumber(1, 1e7).prefault(30_000),
      trust_proxy: proxies,
      allowed_hosts: hostNames,
    }),
    {},
  ),
  log: z.prefault(z.strictObject({ level: z.enum(logLevels).default('info') }), {}),
  stream_manager: z.prefault(
    z.strictObject({
      type: z.enum(streamManagerTypes).default('memory'),
      ttl: duration(0, longestTtlMs).prefault('1h'),
      max_ttl: duration(1000, longestTtlMs).prefault('7d'),
      max_age: duration(0, longestTtlMs).prefault('7d'),
      memory: z.prefault(
        z.strictObject({
          max_bytes: size().prefault('256MiB'),
          max_streams: wholeNumber(1, 1e9).prefault(100_000),
        }),
        {},
      ),
      redis: z.prefault(redisSettingsSchema, {}),
    }),
    {},
  ),
  limits: z.prefault(
    z.strictObject({
      event_bytes: size().prefault('1MiB'),
      body_bytes: size().prefault('8MiB'),
      bodies_in_flight: size().prefault('256MiB'),
      stream_events: wholeNumber(1, 1e9).prefault(100_000),
      stream_bytes: size().prefault('64MiB'),
      session_streams: wholeNumber(1, 1e9).prefault(10_000),
      appends_per_key: wholeNumber(0, 1e6).prefault(0),
      appends_per_address: wholeNumber(0, 1e6).prefault(0),
      feeds_per_key: wholeNumber(0, 1e6).prefault(0),
      feeds_per_address: wholeNumber(0, 1e6).prefault(0),
    }),
    {},
  ),
  feed: z.prefault(
    z.strictObject({
      poll_interval: duration(10).prefault('1s'),
      heartbeat: duration(100).prefault('15s'),
      linger: duration(0).prefault('3s'),
      wait: duration(0).prefault('60s'),
      max_age: duration(1000).prefault('10m'),
      max_feeds: wholeNumber(1, 1e7).prefault(20_000),
      max_feeds_per_stream: wholeNumber(1, 1e7).prefault(10_000),
    }),
    {},
  ),
  auth: z.prefault(
    z.strictObject({
      disabled: flag.default(false),
      api_keys: apiKeys,
      ...readerSettings,
    }),
    {},
  ),
  cors: z.prefault(z.strictObject({ origins, headers: corsHeaders }), {}),
  inspector: z.prefault(z.strictObject({ enabled: automatic.default('auto') }), {}),
  docs: z.prefault(z.strictObject({ enabled: flag.default(true) }), {}),
});

/** The environment variable of each setting. */
export const environmentNames = {
  'server.host': 'HOST',
  'server.port': 'PORT',
  'server.drain_delay': 'DRAIN_DELAY',
  'server.max_connections': 'MAX_CONNECTIONS',
  'server.trust_proxy': 'TRUST_PROXY',
  'server.allowed_hosts': 'ALLOWED_HOSTS',
  'log.level': 'LOG_LEVEL',
  'stream_manager.type': 'STREAM_MANAGER_TYPE',
  'stream_manager.ttl': 'STREAM_TTL',
  'stream_manager.max_ttl': 'STREAM_MAX_TTL',
  'stream_manager.max_age': 'STREAM_MAX_AGE',
  'stream_manager.memory.max_bytes': 'MEMORY_MAX_BYTES',
  'stream_manager.memory.max_streams': 'MEMORY_MAX_STREAMS',
  'stream_manager.redis.mode': 'REDIS_MODE',
  'stream_manager.redis.address': 'REDIS_ADDR',
  'stream_manager.redis.sentinel_name': 'REDIS_SENTINEL_NAME',
  'stream_manager.redis.username': 'REDIS_USERNAME',
  'stream_manager.redis.password': 'REDIS_PASSWORD',
  'stream_manager.redis.db': 'REDIS_DB',
  'stream_manager.redis.prefix': 'REDIS_PREFIX',
  'stream_manager.redis.tls.enabled': 'REDIS_USE_TLS',
  'stream_manager.redis.tls.server_name': 'REDIS_TLS_SERVER_NAME',
  'stream_manager.redis.tls.ca_file': 'REDIS_TLS_CA_FILE',
  'limits.event_bytes': 'LIMITS_EVENT_BYTES',
  'limits.body_bytes': 'LIMITS_BODY_BYTES',
  'limits.bodies_in_flight': 'LIMITS_BODIES_IN_FLIGHT',
  'limits.stream_events': 'LIMITS_STREAM_EVENTS',
  'limits.stream_bytes': 'LIMITS_STREAM_BYTES',
  'limits.session_streams': 'LIMITS_SESSION_STREAMS',
  'limits.appends_per_key': 'LIMITS_APPENDS_PER_KEY',
  'limits.appends_per_address': 'LIMITS_APPENDS_PER_ADDRESS',
  'limits.feeds_per_key': 'LIMITS_FEEDS_PER_KEY',
  'limits.feeds_per_address': 'LIMITS_FEEDS_PER_ADDRESS',
  'feed.poll_interval': 'FEED_POLL_INTERVAL',
  'feed.heartbeat': 'FEED_HEARTBEAT',
  'feed.linger': 'FEED_LINGER',
  'feed.wait': 'FEED_WAIT',
  'feed.max_age': 'FEED_MAX_AGE',
  'feed.max_feeds': 'FEED_MAX_FEEDS',
  'feed.max_feeds_per_stream': 'FEED_MAX_FEEDS_PER_STREAM',
  'auth.disabled': 'AUTH_DISABLED',
  'auth.api_keys': 'AUTH_API_KEYS',
  'auth.reader_secret': 'AUTH_READER_SECRET',
  'auth.reader_public_key': 'AUTH_READER_PUBLIC_KEY',
  'auth.reader_jwks_url': 'AUTH_READER_JWKS_URL',
  'auth.reader_issuer': 'AUTH_READER_ISSUER',
  'auth.reader_audience': 'AUTH_READER_AUDIENCE',
  'auth.reader_cookie': 'AUTH_READER_COOKIE',
  'auth.reader_claims.sid': 'AUTH_READER_CLAIM_SID',
  'auth.reader_claims.mid': 'AUTH_READER_CLAIM_MID',
  'auth.reader_claims.scope': 'AUTH_READER_CLAIM_SCOPE',
  'cors.origins': 'CORS_ORIGINS',
  'cors.headers': 'CORS_HEADERS',
  'inspector.enabled': 'INSPECTOR_ENABLED',
  'docs.enabled': 'DOCS_ENABLED',
} as const;

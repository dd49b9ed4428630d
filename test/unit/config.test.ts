import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Config, loadConfig } from '../../src/config/config.js';
import type { ConfigError } from '../../src/config/sources.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rejoin-config-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const load = (environment: Record<string, string> = {}): Config =>
  loadConfig(environment, directory);
const firstHost = (config: Config) => config.streamManager.redis.addresses[0]?.host;
const write = (name: string, text: string) => writeFileSync(join(directory, name), text);

function errorsOf(environment: Record<string, string> = {}): readonly string[] {
  try {
    load(environment);
  } catch (error) {
    return (error as ConfigError).errors;
  }
  throw new Error('the settings are valid');
}

describe('The settings', () => {
  it('have defaults', () => {
    expect(load()).toEqual({
      server: {
        host: '127.0.0.1',
        isLoopback: true,
        port: 8080,
        drainDelayMs: 5000,
        maxConnections: 30_000,
        trustProxy: [],
        allowedHosts: [],
      },
      log: { level: 'info' },
      streamManager: {
        type: 'memory',
        ttlMs: 3_600_000,
        maxTtlMs: 7 * 24 * 3_600_000,
        maxAgeMs: 7 * 24 * 3_600_000,
        memory: { maxBytes: 256 * 1024 ** 2, maxStreams: 100_000 },
        redis: {
          mode: 'standalone',
          addresses: [{ host: '127.0.0.1', port: 6379 }],
          sentinelName: undefined,
          tls: null,
          username: undefined,
          password: undefined,
          db: 0,
          prefix: 'stream:events',
        },
      },
      limits: {
        eventBytes: 1024 ** 2,
        bodyBytes: 8 * 1024 ** 2,
        bodiesInFlight: 256 * 1024 ** 2,
        streamEvents: 100_000,
        streamBytes: 64 * 1024 ** 2,
        streamInputs: 1000,
        streamInputBytes: 4 * 1024 ** 2,
        sessionStreams: 10_000,
        rates: { appendsPerKey: 0, appendsPerAddress: 0, feedsPerKey: 0, feedsPerAddress: 0 },
      },
      feed: {
        pollIntervalMs: 1000,
        heartbeatMs: 15_000,
        lingerMs: 3000,
        waitMs: 60_000,
        maxAgeMs: 600_000,
        maxFeeds: 20_000,
        maxFeedsPerStream: 10_000,
      },
      auth: { isDisabled: false, apiKeys: [], reader: null },
      cors: {
        origins: [],
        headers: [
          'Cache-Control',
          'X-Requested-With',
          'traceparent',
          'tracestate',
          'baggage',
          'sentry-trace',
        ],
      },
      inspector: { isEnabled: true },
      docs: { isEnabled: true },
      warnings: [],
    });
  });

  it('come from config.yaml, then .env, then the environment; an empty variable is unset', () => {
    write('config.yaml', 'server: { port: 1001, host: 127.0.0.2 }\nlog:\n  level: warn\n');
    expect(load().server).toMatchObject({ port: 1001, host: '127.0.0.2' });
    write('.env', 'PORT=1002\nLOG_LEVEL=\n');
    expect(load().server.port).toBe(1002);
    expect(load().log.level).toBe('warn');
    expect(load({ PORT: '1003' }).server.port).toBe(1003);
    expect(load({ PORT: '' }).server.port).toBe(1002);
  });

  it('come from CONFIG_FILE, which must exist', () => {
    write('other.yaml', 'log: { level: debug }');
    expect(load({ CONFIG_FILE: 'other.yaml' }).log.level).toBe('debug');
    expect(errorsOf({ CONFIG_FILE: 'none.yaml' })[0]).toMatch(/CONFIG_FILE: there is no file/);
  });

  it('accept an empty file, and sections without a value', () => {
    write('config.yaml', '');
    expect(load().server.port).toBe(8080);
    write('config.yaml', 'server:\n  # port: 1\n');
    expect(load().server.port).toBe(8080);
    write('config.yaml', 'stream_manager:\n  redis:\n    password:\n');
    expect(load().streamManager.redis.password).toBeUndefined();
  });

  it('report every error at once, by setting and variable', () => {
    write('config.yaml', 'server: { prot: 1 }\nnope: 1\nfeed: { linger: soon }\n');
    const named = errorsOf({
      PORT: '0x10',
      STREAM_MANAGER_TYPE: 'postgres',
      LIMITS_EVENT_BYTES: '1MB',
    });
    for (const pattern of [
      /^nope: there is no such setting/,
      /^server\.prot: there is no such setting/,
      /^server\.port \(PORT\): must be an integer between 0 and 65535$/,
      /^stream_manager\.type \(STREAM_MANAGER_TYPE\): must be memory or redis$/,
      /^limits\.event_bytes \(LIMITS_EVENT_BYTES\): must be written like 256KiB, 1MiB or 2GiB$/,
      /^feed\.linger \(FEED_LINGER\): must be written like 500ms, 15s, 10m, 1h or 7d$/,
    ]) {
      expect(named.filter((error) => pattern.test(error))).toHaveLength(1);
    }
    expect(named).toHaveLength(6);
  });

  it.each([
    ['broken: [', /config\.yaml/],
    ['- a list', /must be a mapping/],
    ['server: { port: 1 }\nserver: { port: 2 }', /config\.yaml/],
  ])('reject the file %j', (text, pattern) => {
    write('config.yaml', text);
    expect(errorsOf()[0]).toMatch(pattern);
  });

  it.each([
    ['STREAM_TTL', '0', (config: Config) => config.streamManager.ttlMs, 24 * 3_600_000],
    ['STREAM_TTL', '90m', (config: Config) => config.streamManager.ttlMs, 5_400_000],
    ['STREAM_MAX_TTL', '30d', (config: Config) => config.streamManager.maxTtlMs, 30 * 86_400_000],
    ['STREAM_MAX_AGE', '12h', (config: Config) => config.streamManager.maxAgeMs, 43_200_000],
    ['FEED_POLL_INTERVAL', '100ms', (config: Config) => config.feed.pollIntervalMs, 100],
    ['FEED_MAX_AGE', '1s', (config: Config) => config.feed.maxAgeMs, 1000],
    ['DRAIN_DELAY', '0', (config: Config) => config.server.drainDelayMs, 0],
    ['MEMORY_MAX_BYTES', '2GiB', (config: Config) => config.streamManager.memory.maxBytes, 2 ** 31],
    ['REDIS_ADDR', 'redis.internal:6380', firstHost, 'redis.internal'],
    ['REDIS_ADDR', '[::1]:6380', firstHost, '::1'],
    [
      'REDIS_PREFIX',
      'wk:stream:t1:',
      (config: Config) => config.streamManager.redis.prefix,
      'wk:stream:t1:',
    ],
    ['REDIS_PREFIX', ' a ', (config: Config) => config.streamManager.redis.prefix, ' a '],
    ['REDIS_DB', '3', (config: Config) => config.streamManager.redis.db, 3],
    ['LIMITS_APPENDS_PER_KEY', '50', (config: Config) => config.limits.rates.appendsPerKey, 50],
    ['MAX_CONNECTIONS', '10', (config: Config) => config.server.maxConnections, 10],
    ['AUTH_DISABLED', 'true', (config: Config) => config.auth.isDisabled, true],
    ['AUTH_DISABLED', 'false', (config: Config) => config.auth.isDisabled, false],
  ] as const)('accept %s=%s', (name, text, pick, value) => {
    expect(pick(load({ [name]: text }))).toBe(value);
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['REDIS_DB', 'x'],
    ['REDIS_ADDR', 'host'],
    ['REDIS_ADDR', 'host:0'],
    ['REDIS_ADDR', '::1:6379'],
    ['REDIS_PREFIX', '{}'],
    ['REDIS_PREFIX', 'a{b'],
    ['FEED_POLL_INTERVAL', '0'],
    ['FEED_HEARTBEAT', '15'],
    ['FEED_START_TIMEOUT', '1000h'],
    ['STREAM_TTL', '100000h'],
    ['FEED_MAX_AGE', '999ms'],
    ['DRAIN_DELAY', '61m'],
    ['STREAM_TTL', '-1s'],
    ['STREAM_MAX_TTL', '999ms'],
    ['STREAM_MAX_AGE', '3651d'],
    ['LIMITS_BODY_BYTES', '0B'],
    ['MEMORY_MAX_STREAMS', '0'],
    ['LOG_LEVEL', 'loud'],
    ['MAX_CONNECTIONS', '0'],
    ['LIMITS_SESSION_STREAMS', '0'],
    ['LIMITS_FEEDS_PER_KEY', '-1'],
    ['FEED_MAX_FEEDS_PER_STREAM', '0'],
    ['AUTH_DISABLED', 'perhaps'],
  ])('reject %s=%s', (name, text) => {
    const named = errorsOf({ [name]: text });
    expect(named).toHaveLength(1);
    expect(named[0]).toContain(`(${name})`);
  });

  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])(
    'accept the host %s without API keys',
    (host) => {
      expect(load({ HOST: host }).server.host).toBe(host);
    },
  );

  it.each(['0.0.0.0', '::', '10.0.0.1', 'example.org', '127.example.org'])(
    'accept the host %s without API keys only with AUTH_DISABLED',
    (host) => {
      expect(errorsOf({ HOST: host })[0]).toMatch(/not a loopback address/);
      expect(load({ HOST: host, AUTH_DISABLED: 'true' }).server.host).toBe(host);
    },
  );

  it.each(['', '\n    # a comment\n', ' []'])(
    'have no API keys and no origins with %j',
    (value) => {
      write('config.yaml', `auth:\n  api_keys:${value}\ncors:\n  origins:${value}\n`);
      expect(load().auth.apiKeys).toEqual([]);
      expect(load().cors.origins).toEqual([]);
      expect(errorsOf({ HOST: '0.0.0.0' })).toHaveLength(1);
    },
  );

  it('accept addresses and ranges of trusted proxies', () => {
    const text = '10.0.0.1, 10.1.0.0/16, ::1, fd00::/8';
    expect(load({ TRUST_PROXY: text }).server.trustProxy).toEqual(text.split(', '));
    write('config.yaml', 'server: { trust_proxy: [127.0.0.1] }');
    expect(load().server.trustProxy).toEqual(['127.0.0.1']);
  });

  it('accept host names, in any case', () => {
    const { server } = load({ ALLOWED_HOSTS: 'Events.Example, my_host' });
    expect(server.allowedHosts).toEqual(['events.example', 'my_host']);
    write('config.yaml', 'server: { allowed_hosts: [a.example] }');
    expect(load().server.allowedHosts).toEqual(['a.example']);
  });

  it.each(['*', '*.a.example', 'a:80', 'http://a', 'a/', 'a..b', '[::1]', 'a b'])(
    'reject the host %s',
    (text) => {
      expect(errorsOf({ ALLOWED_HOSTS: text })).toEqual([
        expect.stringMatching(/^server\.allowed_hosts\.0 \(ALLOWED_HOSTS\): must be the name/),
      ]);
    },
  );

  it.each(['true', '1', 'loopback', '10.0.0.0/33', '::/129', '10.0.0.1/', '10.0.0.1/8/8', 'proxy'])(
    'reject the proxy %s',
    (text) => {
      expect(errorsOf({ TRUST_PROXY: text })).toEqual([
        expect.stringMatching(/^server\.trust_proxy\.0 \(TRUST_PROXY\): must be the address/),
      ]);
    },
  );

  const redisOf = (environment: Record<string, string>) => load(environment).streamManager.redis;

  it('accept several addresses, comma-separated or as a YAML list, for a cluster and for sentinels', () => {
    const both = [
      { host: 'a', port: 1 },
      { host: '::1', port: 2 },
    ];
    const sentinel = { REDIS_MODE: 'sentinel', REDIS_SENTINEL_NAME: 'main' };
    expect(redisOf({ REDIS_MODE: 'cluster', REDIS_ADDR: 'a:1,[::1]:2' }).addresses).toEqual(both);
    expect(redisOf({ ...sentinel, REDIS_ADDR: 'a:1, [::1]:2' })).toMatchObject({
      mode: 'sentinel',
      addresses: both,
      sentinelName: 'main',
    });
    write('config.yaml', 'stream_manager: { redis: { mode: cluster, address: [a:1, "[::1]:2"] } }');
    expect(redisOf({}).addresses).toEqual(both);
  });

  it.each([
    [{ REDIS_ADDR: 'a:1,b:2' }, 'REDIS_ADDR'],
    [{ REDIS_MODE: 'cluster', REDIS_ADDR: 'a:1,' }, 'REDIS_ADDR'],
    [{ REDIS_MODE: 'clustered' }, 'REDIS_MODE'],
    [{ REDIS_MODE: 'cluster', REDIS_DB: '1' }, 'REDIS_DB'],
    [{ REDIS_MODE: 'sentinel' }, 'REDIS_SENTINEL_NAME'],
    [{ REDIS_SENTINEL_NAME: 'main' }, 'REDIS_SENTINEL_NAME'],
    [{ REDIS_TLS_SERVER_NAME: 'redis' }, 'REDIS_TLS_SERVER_NAME'],
    [{ REDIS_TLS_CA_FILE: 'none.pem' }, 'REDIS_TLS_CA_FILE'],
    [{ REDIS_USE_TLS: 'true', REDIS_TLS_CA_FILE: 'none.pem' }, 'REDIS_TLS_CA_FILE'],
    [{ REDIS_USE_TLS: 'perhaps' }, 'REDIS_USE_TLS'],
  ])('reject %j', (environment, name) => {
    const named = errorsOf(environment as Record<string, string>);
    expect(new Set(named.map((error) => /\((\w+)\)/.exec(error)?.[1]))).toEqual(new Set([name]));
  });

  it('report contradictions among the settings of Redis beside other errors', () => {
    const clashing = { REDIS_MODE: 'cluster', REDIS_DB: '1', REDIS_SENTINEL_NAME: 'main' };
    const named = errorsOf({
      ...clashing,
      REDIS_TLS_SERVER_NAME: 'x',
      PORT: 'x',
      REDIS_PREFIX: '{',
    });
    const names = ['PORT', 'REDIS_PREFIX', 'REDIS_SENTINEL_NAME', 'REDIS_DB'];
    expect(named.map((error) => /\((\w+)\)/.exec(error)?.[1])).toEqual([
      ...names,
      'REDIS_TLS_SERVER_NAME',
    ]);
  });

  it('read the certificates of REDIS_TLS_CA_FILE with TLS, and reject a file without any', () => {
    expect(redisOf({ REDIS_USE_TLS: 'true', REDIS_TLS_SERVER_NAME: 'redis' }).tls).toEqual({
      serverName: 'redis',
      certificates: undefined,
    });
    write('empty.pem', '');
    const path = join(directory, 'empty.pem');
    expect(errorsOf({ REDIS_USE_TLS: 'true', REDIS_TLS_CA_FILE: path })[0]).toMatch(
      /\(REDIS_TLS_CA_FILE\): holds no certificates/,
    );
  });

  it('read the password from a file, without its last line break', () => {
    write('secret', 'p w\n');
    const path = join(directory, 'secret');
    expect(load({ REDIS_PASSWORD_FILE: path }).streamManager.redis.password).toBe('p w');
    expect(errorsOf({ REDIS_PASSWORD_FILE: `${path}x` })[0]).toMatch(/REDIS_PASSWORD_FILE/);
    expect(errorsOf({ REDIS_PASSWORD_FILE: path, REDIS_PASSWORD: 'x' })[0]).toMatch(/together/);
  });
});

import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.js';
import type { ConfigError } from '../../src/config/sources.js';
import { directoryWith } from '../support/test-processes.js';

type Variables = Record<string, string>;

const load = (variables: Variables, yaml = '') =>
  loadConfig(variables, directoryWith({ 'config.yaml': yaml }));
const warned = (variables: Variables, yaml = '') =>
  load(variables, yaml).warnings.map(({ setting }) => setting);

function errorsOf(variables: Variables, yaml = ''): readonly string[] {
  try {
    load(variables, yaml);
  } catch (error) {
    return (error as ConfigError).errors;
  }
  throw new Error('the settings are valid');
}

describe('feed.max_feeds', () => {
  it.each([
    [{ MAX_CONNECTIONS: '10', FEED_MAX_FEEDS: '20000' }, ''],
    [{ MAX_CONNECTIONS: '10', FEED_MAX_FEEDS: '10' }, ''],
    [{ MAX_CONNECTIONS: '10' }, 'feed: { max_feeds: 30 }'],
    [{ FEED_MAX_FEEDS: '30' }, 'server: { max_connections: 10 }'],
    [{}, 'server: { max_connections: 10 }\nfeed: { max_feeds: 30 }'],
  ])('that is not below server.max_connections is an error: %j %s', (variables, yaml) => {
    expect(errorsOf(variables as Variables, yaml)).toEqual([
      expect.stringMatching(/^feed\.max_feeds \(FEED_MAX_FEEDS\): must be below server\.max_conn/),
    ]);
  });

  it('is two thirds of server.max_connections where only that is set', () => {
    const config = load({ MAX_CONNECTIONS: '10' });
    expect(config.server.maxConnections).toBe(10);
    expect(config.feed.maxFeeds).toBe(6);
    expect(config.warnings.map(({ setting }) => setting)).toEqual([
      'feed.max_feeds (FEED_MAX_FEEDS)',
    ]);
    expect(load({ MAX_CONNECTIONS: '1' }).feed.maxFeeds).toBe(1);
  });

  it('above server.max_connections is a warning where only it is set', () => {
    const { server, feed, warnings } = load({ FEED_MAX_FEEDS: '40000' });
    expect([server.maxConnections, feed.maxFeeds]).toEqual([30_000, 40_000]);
    expect(warnings).toHaveLength(1);
  });

  it('below server.max_connections is not changed', () => {
    const config = load({ MAX_CONNECTIONS: '11', FEED_MAX_FEEDS: '10' });
    expect(config.feed.maxFeeds).toBe(10);
    expect(config.warnings).toEqual([]);
  });
});

describe('limits.bodies_in_flight', () => {
  it.each([
    [{ LIMITS_BODIES_IN_FLIGHT: '1MiB' }, ''],
    [{ LIMITS_BODY_BYTES: '300MiB' }, ''],
    [{}, 'limits: { body_bytes: 2MiB, bodies_in_flight: 1MiB }'],
  ])(
    'below limits.body_bytes is an error, as such a body would never be read: %j %s',
    (variables, yaml) => {
      expect(errorsOf(variables as Variables, yaml)).toEqual([
        expect.stringMatching(/^limits\.bodies_in_flight \(LIMITS_BODIES_IN_FLIGHT\): must be at /),
      ]);
    },
  );

  it('may be as much as one body', () => {
    const { limits } = load({ LIMITS_BODIES_IN_FLIGHT: '8MiB' });
    expect(limits.bodiesInFlight).toBe(limits.bodyBytes);
  });
});

describe('limits.event_bytes', () => {
  it('above limits.bodies_in_flight is a warning, as a client that sends one would retry forever', () => {
    const variables = { LIMITS_BODIES_IN_FLIGHT: '8MiB', LIMITS_EVENT_BYTES: '9MiB' };
    expect(warned(variables)).toEqual(['limits.event_bytes', 'limits.event_bytes']);
  });
});

describe('A setting that has no effect above another one', () => {
  const redis = { STREAM_MANAGER_TYPE: 'redis' };

  it.each([
    ['limits.event_bytes', { LIMITS_EVENT_BYTES: '16MiB' }],
    ['limits.event_bytes', { LIMITS_EVENT_BYTES: '2MiB', LIMITS_STREAM_BYTES: '1MiB' }],
    ['limits.stream_bytes', { LIMITS_STREAM_BYTES: '1GiB' }],
    ['limits.session_streams', { LIMITS_SESSION_STREAMS: '200000' }],
    ['feed.max_feeds_per_stream', { FEED_MAX_FEEDS_PER_STREAM: '25000' }],
    ['feed.heartbeat', { FEED_HEARTBEAT: '15m' }],
    ['feed.linger', { FEED_LINGER: '11m' }],
    ['feed.start_timeout', { FEED_START_TIMEOUT: '11m' }],
    ['feed.poll_interval', { ...redis, FEED_POLL_INTERVAL: '5s' }],
    ['feed.poll_interval', { ...redis, FEED_LINGER: '500ms' }],
  ])('is a warning: %s with %j', (setting, variables) => {
    expect(warned(variables as Variables)).toEqual([setting]);
  });

  it('is no warning where it was not set, or where the backend does not matter', () => {
    const lowered = {
      LIMITS_BODY_BYTES: '100KiB',
      LIMITS_STREAM_BYTES: '100KiB',
      MEMORY_MAX_BYTES: '1MiB',
      MEMORY_MAX_STREAMS: '10',
      FEED_MAX_FEEDS: '10',
      FEED_MAX_AGE: '1s',
    };
    expect(warned(lowered)).toEqual([]);
    expect(warned({ ...redis, LIMITS_STREAM_BYTES: '1GiB' })).toEqual([]);
    expect(warned({ ...redis, FEED_LINGER: '0' })).toEqual([]);
    expect(warned({ FEED_POLL_INTERVAL: '5s' })).toEqual([]);
  });

  it('is found in config.yaml too', () => {
    expect(warned({}, 'limits: { event_bytes: 16MiB }')).toEqual(['limits.event_bytes']);
  });
});

describe('A variable of the backend that was not chosen', () => {
  it('is a warning, as that backend may have been meant', () => {
    expect(warned({ REDIS_ADDR: 'a:1', REDIS_DB: '1' })).toEqual(['REDIS_ADDR, REDIS_DB']);
    const memory = { STREAM_MANAGER_TYPE: 'redis', MEMORY_MAX_BYTES: '1GiB' };
    expect(warned(memory)).toEqual(['MEMORY_MAX_BYTES']);
  });

  it('is no warning in config.yaml, which may list all settings', () => {
    expect(warned({}, 'stream_manager: { redis: { address: "a:1" } }')).toEqual([]);
  });
});

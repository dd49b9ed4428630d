import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { loadConfig } from '../../src/config/config.js';
import { environmentVariables } from '../../src/config/settings.js';
import type { ConfigError } from '../../src/config/sources.js';
import { directoryWith } from '../support/test-processes.js';

type Variables = Record<string, string>;
type Files = Record<string, string>;

const load = (variables: Variables, files: Files = {}) =>
  loadConfig(variables, directoryWith(files));
const warnings = (variables: Variables, files: Files = {}) =>
  load(variables, files).warnings.map(({ setting, detail }) => `${setting}: ${detail}`);

function errorsOf(variables: Variables, files: Files = {}): readonly string[] {
  try {
    load(variables, files);
  } catch (error) {
    return (error as ConfigError).errors;
  }
  throw new Error('the settings are valid');
}

describe('The settings of WeKnora', () => {
  it('that have no effect are warnings', () => {
    const yaml =
      'stream_manager: { type: redis, cleanup_timeout: 5m, redis: { db: 2, ttl: 24h } }\n';
    const { streamManager, warnings } = load({}, { 'config.yaml': yaml });
    expect(streamManager).toMatchObject({ type: 'redis', redis: { db: 2 } });
    expect(warnings.map(({ setting }) => setting)).toEqual([
      'stream_manager.cleanup_timeout',
      'stream_manager.redis.ttl',
    ]);
    const misplaced = { 'config.yaml': 'stream_manager: { memory: { ttl: 1h } }\n' };
    expect(errorsOf({}, misplaced)).toEqual([expect.stringContaining('stream_manager.memory.ttl')]);
  });

  it.each(['5m', '', 'null', '{ a: [1] }', '[]'])(
    'that have no effect may have any value: %j',
    (value) => {
      const yaml = `stream_manager: { cleanup_timeout: ${value}, redis: { ttl: ${value} } }\n`;
      const { streamManager, warnings } = load(
        { FEED_START_TIMEOUT: '1s' },
        { 'config.yaml': yaml },
      );
      expect(streamManager).toEqual(load({}).streamManager);
      expect(warnings).toHaveLength(2);
    },
  );

  it.each(['stream_manager:\n', 'stream_manager: { redis: }\n'])(
    'are no warning where they are absent: %j',
    (yaml) => expect(warnings({}, { 'config.yaml': yaml })).toEqual([]),
  );

  it.each([
    ['stream_manager: []\n', 'stream_manager'],
    ['stream_manager: cleanup_timeout\n', 'stream_manager'],
    ['stream_manager: [{ cleanup_timeout: 5m }]\n', 'stream_manager'],
    ['stream_manager: { redis: [ttl] }\n', 'stream_manager.redis'],
    ['stream_manager: { redis: ttl, cleanup_timeout: 5m }\n', 'stream_manager.redis'],
    ['cleanup_timeout: 5m\n', 'cleanup_timeout'],
    ['stream_manager: { redis: { cleanup_timeout: 5m } }\n', 'stream_manager.redis.cleanup'],
    ['stream_manager: { redis: { tls: { insecure_skip_verify: true } } }\n', 'stream_manager.re'],
  ])('are ignored in their places only: %j', (yaml, name) => {
    expect(errorsOf({}, { 'config.yaml': yaml })).toEqual([expect.stringMatching(`^${name}`)]);
  });

  const insecure = 'REDIS_TLS_INSECURE_SKIP_VERIFY';

  it.each(['true', 'TRUE', 'True', '1', 'yes', 'on', 't', 'maybe'])(
    'that would skip the check of certificates is an error that says what to set instead (%s)',
    (value) => {
      const rejected = expect.stringMatching(`^${insecure}: .*REDIS_TLS_CA_FILE`);
      expect(errorsOf({ [insecure]: value })).toEqual([rejected]);
      expect(errorsOf({}, { '.env': `${insecure}=${value}\n` })).toEqual([rejected]);
    },
  );

  it.each(['false', 'FALSE', '0', 'no', 'off', ''])(
    'that would skip the check of certificates may be off (%j)',
    (value) => {
      expect(warnings({ [insecure]: value })).toEqual([]);
      expect(warnings({}, { '.env': `${insecure}=${value}\n` })).toEqual([]);
      // The environment wins.
      expect(warnings({ [insecure]: 'false' }, { '.env': `${insecure}=true\n` })).toEqual([]);
    },
  );
});

describe('An unknown environment variable', () => {
  it.each([
    ['STREAM_MANGER_TYPE', 'STREAM_MANAGER_TYPE'],
    ['STREAM_MANAGER', null],
    ['stream_manager_type', 'STREAM_MANAGER_TYPE'],
    ['REDIS_ADDRESS', 'REDIS_ADDR'],
    ['REDIS_TLS_ENABLED', 'REDIS_USE_TLS'],
    ['REDIS_HOST', null],
    ['REDIS_PORT', null],
    ['SERVER_PORT', 'PORT'],
    ['SERVER_HOST', 'HOST'],
    ['STREAM_MANAGER_TTL', 'STREAM_TTL'],
    ['STREAM_MANAGER_REDIS_PASSWORD', 'REDIS_PASSWORD'],
    ['MAX_CONECTIONS', 'MAX_CONNECTIONS'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['REJOIN_LOG_LEVEL', 'LOG_LEVEL'],
    ['REJOIN_PORT', 'PORT'],
    ['FEED_COLOUR', null],
    ['AUTH_API_KEY', 'AUTH_API_KEYS'],
  ])('%s is a warning that names %s', (name, meant) => {
    const hint = meant === null ? '' : `; did you mean ${meant}?`;
    expect(warnings({ [name]: '6380' })).toEqual([`${name}: there is no such variable${hint}`]);
    expect(warnings({}, { '.env': `${name}=6380\n` })).toHaveLength(1);
  });

  // A name as short as HOST is a letter away from too much that is not ours.
  const long = environmentVariables.filter((name) => name.length > 4);
  it.each(long)('a letter shorter than %s is a warning', (name) => {
    const misspelt = name.slice(0, -2) + name.slice(-1);
    expect(warnings({ [misspelt]: '1' })).toEqual([
      expect.stringContaining(`${misspelt}: there is no such variable`),
    ]);
  });

  it('from Kubernetes, Docker or systemd is no warning', () => {
    const services = [
      'REDIS',
      'FEED',
      'LIMITS',
      'AUTH',
      'REJOIN',
      'REJOIN_REDIS',
      'STREAM_MANAGER',
    ];
    const foreign = services.flatMap((name): [string, string][] => [
      [`${name}_SERVICE_HOST`, '10.0.0.1'],
      [`${name}_SERVICE_PORT`, '6379'],
      [`${name}_SERVICE_PORT_HTTP`, '6379'],
      [`${name}_PORT`, 'tcp://10.0.0.1:6379'],
      [`${name}_PORT_6379_TCP`, 'tcp://10.0.0.1:6379'],
      [`${name}_PORT_6379_TCP_PROTO`, 'tcp'],
      [`${name}_PORT_6379_TCP_PORT`, '6379'],
      [`${name}_PORT_6379_TCP_ADDR`, '10.0.0.1'],
      [`${name}_NAME`, '/rejoin/redis'],
      [`${name}_ENV_REDIS_VERSION`, '7.0.0'],
    ]);
    const systemd = { MEMORY_PRESSURE_WATCH: '/sys/fs/cgroup/x', MEMORY_PRESSURE_WRITE: 'c29t' };
    const names = Object.keys(Object.fromEntries(foreign));
    expect(names.filter((name) => environmentVariables.includes(name))).toEqual([]);
    expect(warnings({ ...Object.fromEntries(foreign), ...systemd })).toEqual([]);
  });

  it('that is common in environments is no warning', () => {
    const usual = `CI COLUMNS DEBIAN_FRONTEND DISPLAY EDITOR HOME HOSTNAME HTTPS_PROXY HTTP_PROXY
      INVOCATION_ID JOURNAL_STREAM LANG LC_ALL LISTEN_FDS LOGNAME LS_COLORS MAIL NODE_ENV
      NODE_EXTRA_CA_CERTS NODE_OPTIONS NODE_VERSION NO_PROXY NOTIFY_SOCKET OLDPWD PATH PWD
      REJOIN_KEY SHELL SHLVL SSH_CONNECTION TERM TMPDIR TZ USER XDG_RUNTIME_DIR YARN_VERSION
      npm_config_cache npm_lifecycle_event npm_package_json _`.split(/\s+/);
    expect(warnings(Object.fromEntries(usual.map((name) => [name, 'x'])))).toEqual([]);
  });

  it('is named without its value', () => {
    expect(warnings({ REDIS_PASWORD: 'hunter2' }).join()).not.toContain('hunter2');
  });
});

describe('A setting under its earlier name', () => {
  it.each([
    ['auth: { producer_keys: [] }\n', 'auth.producer_keys', 'auth.api_keys'],
    ['feed: { wait: 5s }\n', 'feed.wait', 'feed.start_timeout'],
  ])('is an error in config.yaml that names the new one: %j', (yaml, name, now) => {
    expect(errorsOf({}, { 'config.yaml': yaml })).toEqual([
      expect.stringMatching(`^${name}: there is no such setting .*; it is named ${now} now$`),
    ]);
  });

  it.each([
    ['AUTH_PRODUCER_KEYS', 'AUTH_API_KEYS'],
    ['FEED_WAIT', 'FEED_START_TIMEOUT'],
  ])(
    'is an error in the environment, as ignoring it could leave the service open: %s',
    (name, now) => {
      const error = `${name}: there is no such variable; it is named ${now} now`;
      expect(errorsOf({ [name]: 'x' })).toEqual([error]);
      expect(errorsOf({}, { '.env': `${name}=x\n` })).toEqual([error]);
      expect(load({ [name]: '' }).warnings).toEqual([]);
    },
  );

  it('is a warning while the new one is set too, for nodes of both versions', () => {
    const key = `a:${'0'.repeat(64)}:read`;
    const both = { AUTH_PRODUCER_KEYS: key, AUTH_API_KEYS: key };
    expect(load(both).auth.apiKeys).toHaveLength(1);
    expect(warnings(both)).toEqual([
      'AUTH_PRODUCER_KEYS: is named AUTH_API_KEYS now, which is set too',
    ]);
  });
});

describe('REDIS_URL', () => {
  const on = { STREAM_MANAGER_TYPE: 'redis' };
  const redisOf = (url: string, more: Variables = {}, files: Files = {}) =>
    load({ ...on, REDIS_URL: url, ...more }, files).streamManager.redis;
  const tls = { serverName: undefined, certificates: undefined };

  it.each([
    ['redis://cache', { host: 'cache', port: 6379 }, {}],
    ['redis://cache:6380/', { host: 'cache', port: 6380 }, {}],
    ['rediss://cache/3', { host: 'cache', port: 6379 }, { tls, db: 3 }],
    ['redis://[fd00::1]:6380/0', { host: 'fd00::1', port: 6380 }, {}],
    [
      'redis://me:p%40ss%2Fw%25@10.0.0.1',
      { host: '10.0.0.1', port: 6379 },
      { username: 'me', password: 'p@ss/w%' },
    ],
    ['redis://:only@cache', { host: 'cache', port: 6379 }, { password: 'only' }],
  ])('%s sets the address, and what else it has', (url, address, rest) => {
    const none = { mode: 'standalone', prefix: 'stream:events', tls: null, db: 0 };
    expect(redisOf(url)).toEqual({ ...none, addresses: [address], ...rest });
  });

  it.each([
    'cache:6379',
    'http://cache',
    'unix:///run/redis.sock',
    'redis://%2Frun%2Fredis.sock',
    'redis://',
    'redis:///0',
    'redis://cache:0',
    'redis://cache:65536',
    'redis://cache/x',
    'redis://cache/1/2',
    'redis://cache?db=1',
    'redis://cache#1',
    'redis://a:1,b:2',
    'redis://me:hunter2%@cache',
    'redis://me:hunter2#x@cache',
    'redis://me:hunter2/x@cache',
  ])('%s is an error that does not quote it', (url) => {
    const named = errorsOf({ REDIS_URL: url });
    expect(named).toEqual([expect.stringMatching(/^REDIS_URL: must be redis:\/\/user:/)]);
    expect(named.join()).not.toMatch(/hunter2|cache/);
  });

  it.each([
    ['redis://cache', { REDIS_ADDR: '127.0.0.1:6379' }],
    ['redis://me@cache', { REDIS_USERNAME: 'you' }],
    ['redis://:hunter2@cache', { REDIS_PASSWORD: 'hunter3' }],
    ['redis://cache/1', { REDIS_DB: '2' }],
    ['rediss://cache', { REDIS_USE_TLS: 'false' }],
  ])('%s contradicts %j', (url, other) => {
    const named = errorsOf({ REDIS_URL: url, ...(other as Variables) });
    expect(named).toEqual([
      expect.stringContaining(`REDIS_URL: is set together with ${Object.keys(other)[0]}`),
    ]);
    expect(named.join()).not.toContain('hunter');
  });

  it('leaves parts that it does not have to other settings', () => {
    const yaml = 'stream_manager: { redis: { address: "other:1", db: 4, password: kept } }\n';
    const more = { REDIS_USERNAME: 'me', REDIS_PREFIX: 'p' };
    expect(redisOf('redis://cache', more, { 'config.yaml': yaml })).toMatchObject({
      addresses: [{ host: 'cache', port: 6379 }],
      username: 'me',
      password: 'kept',
      db: 4,
      prefix: 'p',
    });
  });

  it('may name a node of a cluster, and no sentinel', () => {
    expect(redisOf('redis://cache', { REDIS_MODE: 'cluster' }).addresses).toHaveLength(1);
    const sentinel = { REDIS_MODE: 'sentinel', REDIS_SENTINEL_NAME: 'main' };
    expect(errorsOf({ ...sentinel, REDIS_URL: 'redis://cache' })).toEqual([
      expect.stringMatching(/\(REDIS_MODE\): is sentinel, and REDIS_URL/),
    ]);
  });

  it('does not choose Redis, and is a warning with memory', () => {
    const config = load({ REDIS_URL: 'redis://:hunter2@cache' });
    expect(config.streamManager.type).toBe('memory');
    expect(config.warnings).toEqual([
      { setting: 'REDIS_URL', detail: expect.stringContaining('STREAM_MANAGER_TYPE') },
    ]);
    expect(load({ ...on, REDIS_URL: 'redis://cache' }).warnings).toEqual([]);
  });
});

describe('.env', () => {
  it.each([
    ['PORT\n', 1],
    ['PORT=1\nLOG_LEVEL: debug\nHOST=::1\n', 2],
    ['# a comment\n\nPORT 8081', 3],
    ['A="x\ny"\nSTREAM_MANAGER_TYPE redis\n', 3],
    ['PORT=1\r\n=2\r\n', 2],
    ['my name=1\n', 1],
    ["A='it's'\n", 1],
    ['A="1" 2\n', 1],
    ['REDIS_PASSWORD=abc#def\n', 1],
    ['REDIS_PASSWORD=#def\n', 1],
    ['PORT=1\rLOG_LEVEL=debug\n', 1],
  ])('with a broken line, %j, is an error that names line %i', (text, line) => {
    const named = errorsOf({}, { '.env': text });
    expect(named).toContainEqual(
      expect.stringMatching(new RegExp(`\\.env, line ${line}: must be`)),
    );
  });

  it('with several broken lines names each of them', () => {
    const named = errorsOf({}, { '.env': 'one\nTWO=2\nthree\nFOUR="x\n' });
    expect(named.map((error) => /line \d+: .{9}/.exec(error)?.[0])).toEqual([
      'line 1: must be N',
      'line 3: must be N',
      'line 4: a quote i',
    ]);
  });

  it('is reported as broken without its content', () => {
    for (const text of ['REDIS_PASSWORD hunter2\n', 'REDIS_PASSWORD="hunter2\n']) {
      expect(errorsOf({}, { '.env': text }).join()).not.toContain('hunter2');
    }
  });

  it('may have comments, blank lines, multi-line quotes, CRLF, `export` and a BOM', () => {
    const text = [
      '\uFEFFPORT=1001',
      '',
      '  # a comment = no line',
      'export LOG_LEVEL = debug # and why',
      `REDIS_PREFIX="a # b" # c`,
      `FEED_START_TIMEOUT='5s'`,
      'HOST=`::1`',
      'AUTH_READER_ISSUER="one',
      'two"',
      "AUTH_READER_SECRET=0123456789'0123456789=0123456789==",
      'CORS_ORIGINS=',
      'REDIS_USERNAME=   # none',
    ];
    for (const lineBreak of ['\n', '\r\n']) {
      const config = load({}, { '.env': text.join(lineBreak) });
      expect(config.server).toMatchObject({ port: 1001, host: '::1' });
      expect(config.log.level).toBe('debug');
      expect(config.streamManager.redis).toMatchObject({ prefix: 'a # b' });
      expect(config.streamManager.redis.username).toBeUndefined();
      expect(config.feed.waitMs).toBe(5000);
      expect(config.auth.reader?.issuer).toBe('one\ntwo');
    }
  });
});

describe('config.yaml', () => {
  it.each([
    ['server: { port: 1 }\nserver: { port: 2 }', 'line 2, column 1: duplicate key'],
    ['server: { port: 1, port: 2 }', 'line 1, column 20: duplicate key'],
    ['server: { port: 1 }\n---\nlog: {}', 'line 2, column 1: multiple docs'],
    ['stream_manager: { redis: { password: !hunter2 } }', 'line 1, column 38: tag resolve failed'],
    ['stream_manager:\n  redis:\n    password: |hunter2\n', 'line 3, column 16: unexpected token'],
    ['stream_manager: { redis: { password: *hunter2 } }', 'has an alias'],
  ])('%j is an error with its file and place, and without a secret', (yaml, error) => {
    const named = errorsOf({}, { 'config.yaml': yaml });
    expect(named).toEqual([expect.stringMatching(/^\/.*\/config\.yaml/)]);
    expect(named[0]).toContain(error);
    expect(named[0]).not.toContain('hunter2');
  });

  it('with a mapping as a key, as a template leaves it, is an error that does not quote it', () => {
    const emitted = vi.spyOn(process, 'emitWarning').mockReturnValue();
    onTestFinished(() => emitted.mockRestore());
    const yaml = 'stream_manager: { redis: { password: {{ hunter2 }} } }';
    expect(errorsOf({}, { 'config.yaml': yaml })).toEqual([
      expect.stringMatching(/^stream_manager\.redis\.password \(REDIS_PASSWORD\): /),
    ]);
    expect(emitted).not.toHaveBeenCalled();
  });

  it('with an unknown key is an error that names its file and what was meant', () => {
    const files = { 'other.yaml': 'stream_manager: { tpye: redis }\nlimits: { colour: 1 }\n' };
    expect(errorsOf({ CONFIG_FILE: 'other.yaml' }, files)).toEqual([
      expect.stringMatching(
        /^stream_manager\.tpye: there is no such setting \(in \/.*other\.yaml\); did you mean stream_manager\.type\?$/,
      ),
      expect.stringMatching(/^limits\.colour: there is no such setting \(in \/.*other\.yaml\)$/),
    ]);
  });

  it('overrides DEFAULT_HOST, which overrides loopback', () => {
    const open = { AUTH_DISABLED: 'true', DEFAULT_HOST: '0.0.0.0' };
    const yaml = (text: string) => ({ 'config.yaml': text });
    const hostOf = (variables: Variables, files: Files) => load(variables, files).server.host;
    expect(hostOf(open, yaml('server: { host: 10.0.0.1 }'))).toBe('10.0.0.1');
    expect(hostOf({ ...open, HOST: '::' }, yaml('server: { host: 10.0.0.1 }'))).toBe('::');
    for (const text of ['', 'server:\n', 'log: { level: warn }\n']) {
      expect(hostOf(open, yaml(text))).toBe('0.0.0.0');
    }
    expect(errorsOf({ DEFAULT_HOST: '0.0.0.0' })[0]).toMatch(/not a loopback address/);
  });
});

describe('CONFIG_FILE', () => {
  it.each([
    ['a directory', '.', 'illegal operation on a directory'],
    ['no path at all', '\u0000', 'this is not the path of a file'],
  ])('that is %s is an error that says why it cannot be read', (_, path, reason) => {
    const [error, ...others] = errorsOf({ CONFIG_FILE: path });
    expect(others).toEqual([]);
    expect(error?.endsWith(`: cannot be read: ${reason}`)).toBe(true);
  });
});

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configErrorOf } from '../support/config-error-of.js';
import type { ServiceProcess } from '../support/service-process.js';
import {
  directoryWith,
  type Environment,
  launchService,
  openFeed,
  readiness,
  startService,
} from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../support/worker.js';

/** As many as any machine allows, so that there is no warning of its limit of open files. */
const fewConnections = { MAX_CONNECTIONS: '100', FEED_MAX_FEEDS: '50' };

describe('The service, when it starts,', () => {
  it('needs no settings: it keeps streams in memory, on loopback, and serves', async () => {
    const service = await startService();
    const inspector = `${service.url}/inspector`;
    expect(service.log).toContainEqual(
      expect.objectContaining({ streamManager: 'memory', inspector }),
    );
    expect((await fetch(inspector)).status).toBe(200);
    expect(new URL(service.url).hostname).toBe('127.0.0.1');
    expect(await readiness(service)).toBe(200);

    const feed = await openFeed(feedUrl(service.url));
    const appended = await post(eventsUrl(service.url), { type: 'answer', content: 'hello' });
    expect(appended).toMatchObject({
      status: 201,
      body: { offset: 0, count: 1, nextOffset: 1, inputs: { nextOffset: 0 } },
    });
    await feed.frameCount(1);
    expect(JSON.parse(feed.data[0] as string)).toMatchObject({ type: 'answer', content: 'hello' });
    // Another one on its port ends with code 1.
    await failsToStart({ PORT: new URL(service.url).port }, ['is in use: set PORT to another one']);
  });

  it('listens on all addresses with AUTH_DISABLED, and warns that a second node would not share its streams', async () => {
    const open = { HOST: '0.0.0.0', AUTH_DISABLED: 'true', ...fewConnections };
    const warned = await startService(open);
    expect(await readiness(warned)).toBe(200);
    await waitFor('the warning', () => warningsOf(warned).length === 1);
    expect(warningsOf(warned)).toEqual([expect.stringContaining('a second node')]);

    const [onRedis, onLoopback] = await Promise.all([
      startService({ ...open, STREAM_MANAGER_TYPE: 'redis', REDIS_ADDR: '127.0.0.1:1' }),
      startService(fewConnections),
    ]);
    for (const service of [onRedis, onLoopback]) {
      service.signal('SIGTERM');
      await service.exit();
      expect(warningsOf(service)).toEqual([]);
    }
  });

  it('warns of settings without effect and of misspelt variables', async () => {
    const typo = { STREAM_MANGER_TYPE: 'redis', REDIS_URL: 'redis://:hunter2@cache' };
    const kubernetes = { REDIS_PORT: 'tcp://10.0.0.1:6379', REDIS_SERVICE_HOST: '10.0.0.1' };
    const shared = { CONFIG_FILE: 'weknora.yaml', REDIS_TLS_INSECURE_SKIP_VERIFY: 'false' };
    const yaml = 'stream_manager: { type: memory, cleanup_timeout: 5m, redis: { ttl: 24h } }\n';
    const service = await startService(
      { ...typo, ...kubernetes, ...shared, ...fewConnections },
      directoryWith({ 'weknora.yaml': yaml }),
    );
    const told = service.log.filter(({ level }) => level === 40);
    expect(told.map(({ setting, detail }) => [setting, detail])).toEqual([
      ['stream_manager.cleanup_timeout', expect.stringContaining('WeKnora')],
      ['stream_manager.redis.ttl', expect.stringContaining('stream_manager.ttl')],
      ['STREAM_MANGER_TYPE', 'there is no such variable; did you mean STREAM_MANAGER_TYPE?'],
      ['REDIS_URL', expect.stringContaining('STREAM_MANAGER_TYPE')],
    ]);
    expect(service.output).not.toContain('hunter2');
  });

  it('warns when it may open fewer files than connections', async () => {
    const limited = 'ulimit -n 1000 && exec "$0" "$1"';
    const main = join(import.meta.dirname, '../../dist/main.js');
    const warningWith = async (MAX_CONNECTIONS: string) => {
      const child = spawn('sh', ['-c', limited, process.execPath, main], {
        cwd: directoryWith({}),
        env: { PATH: process.env.PATH, PORT: '0', FEED_MAX_FEEDS: '10', MAX_CONNECTIONS },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      let warning: unknown = null;
      for await (const line of createInterface(child.stdout)) {
        if (line.includes('ulimit -Hn')) warning = JSON.parse(line);
        if (line.includes('is listening')) return warning;
      }
      throw new Error('it ended');
    };
    const fields = { level: 40, openFiles: 1000, maxConnections: 950 };
    expect(await warningWith('950')).toMatchObject(fields);
    expect(await warningWith('900')).toBeNull();
  });

  it('rejects a broken line of .env instead of skipping it', () => {
    const directory = directoryWith({ '.env': 'LOG_LEVEL=info\nSTREAM_MANAGER_TYPE redis\n' });
    rejects({}, ['.env, line 2'], directory);
  });

  it('rejects more feeds than connections', () => {
    const contradiction = { MAX_CONNECTIONS: '10', FEED_MAX_FEEDS: '20000' };
    rejects(contradiction, Object.keys(contradiction));
  });

  it.each(['0.0.0.0', '::', 'example.org'])(
    'rejects HOST=%s while any client could read and write',
    (host) => {
      rejects({ HOST: host, AUTH_DISABLED: 'false' }, ['HOST']);
    },
  );

  it('rejects an unknown type of stream manager instead of falling back to memory', () => {
    rejects({ STREAM_MANAGER_TYPE: 'postgres' }, ['STREAM_MANAGER_TYPE']);
    rejects({ STREAM_MANAGER_TYPE: 'Redis' }, ['STREAM_MANAGER_TYPE']);
  });

  it('names every invalid value in one message, and exits with code 1', async () => {
    const bad = {
      PORT: '80a',
      STREAM_TTL: 'soon',
      REDIS_ADDR: 'nowhere',
      REDIS_DB: '-1',
      REDIS_PREFIX: 'a{b',
      LIMITS_EVENT_BYTES: 'lots',
      FEED_LINGER: '3',
      LOG_LEVEL: 'loud',
    };
    await failsToStart(bad, Object.keys(bad));
  });

  it('names errors of every kind in one message', () => {
    const directory = directoryWith({ 'config.yaml': 'server: { prot: 80 }\n' });
    const bad = { PORT: '-1', HOST: '0.0.0.0', REDIS_PASSWORD_FILE: '/nowhere/password' };
    rejects(bad, ['server.prot', ...Object.keys(bad)], directory);
  });

  it('names every unknown key of config.yaml by its path', () => {
    const yaml = 'server: { prot: 80 }\nstream_manager: { redis: { adress: "a:1" } }\nfeeds: {}\n';
    const directory = directoryWith({ 'config.yaml': yaml });
    const paths = ['server.prot', 'stream_manager.redis.adress', 'feeds'];
    rejects({}, paths, directory);
  });

  it.each([
    ['that is not YAML', 'server: { port'],
    ['that is not a mapping', '- server'],
  ])('rejects a config.yaml %s', (_, yaml) => {
    rejects({}, ['config.yaml'], directoryWith({ 'config.yaml': yaml }));
  });

  it('rejects a CONFIG_FILE that does not exist', () => {
    rejects({ CONFIG_FILE: 'missing.yaml' }, ['CONFIG_FILE', 'missing.yaml']);
  });
});

function warningsOf({ log }: ServiceProcess): unknown[] {
  return log.filter(({ level }) => level === 40).map(({ msg }) => msg);
}

/** @param named what the message must name */
function rejects(environment: Environment, named: string[], directory?: string): void {
  const { message } = configErrorOf(environment, directory);
  expect(named.filter((name) => !message.includes(name))).toEqual([]);
}

/** @param named what its message must name */
async function failsToStart(environment: Environment, named: string[]): Promise<void> {
  const service = launchService(environment);
  expect(await service.exit()).toEqual({ code: 1, signal: null });
  const missing = () => named.filter((name) => !service.output.includes(name));
  // Its last words may arrive after its exit.
  await waitFor('the message', () => missing().length === 0).catch(() => {});
  expect(missing()).toEqual([]);
}

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { freePort } from '../../../test/support/free-port.js';
import { RedisServer } from '../../../test/support/redis-server.js';
import { serviceMain } from '../../../test/support/service-main.js';
import { waitFor } from '../../../test/support/wait-for.js';
import { bindProcess, cores } from '../cores.js';
import { send } from './requests.js';
import { ServerProcess } from './server-process.js';
import { type Job, type System, withoutStore } from './system.js';

const root = resolve(import.meta.dirname, '../../..');
const loopDelay = new URL('./loop-delay.mjs', import.meta.url).href;

/** The built service, with its defaults but for the port and the numbers of feeds and inputs. */
export const rejoin = rejoinIn(root, serviceMain);

/** The same on a Redis of its own, that keeps nothing on disk. */
export const rejoinOnRedis = rejoinOnRedisIn(root, serviceMain);

/** @param directory of the build: it holds `dist/` */
export function rejoinIn(directory: string, main = builtMainIn(directory)): System {
  return {
    name: 'rejoin',
    version: () => versionIn(directory),
    start: async (job) => {
      const node = await startNode(main, environmentOf(job));
      return {
        ...routesOf(node, node),
        pids: [node.server.pid],
        storePids: [],
        storeCommands: withoutStore,
        longestBlockMs: blocksOf(job, [node.server]),
        stop: () => node.server.stop(),
      };
    },
  };
}

export function rejoinOnRedisIn(directory: string, main = builtMainIn(directory)): System {
  return {
    name: 'rejoin-redis',
    version: () => versionIn(directory),
    start: async (job) => {
      const redis = await RedisServer.start();
      if (cores !== null) bindProcess(redis.pid, cores.store);
      const onRedis = { STREAM_MANAGER_TYPE: 'redis', REDIS_ADDR: redis.address };
      const environment = { ...environmentOf(job), ...onRedis };
      const first = await startNode(main, environment);
      const last = job.nodes === 1 ? first : await startNode(main, environment);
      const servers = [...new Set([first.server, last.server])];
      return {
        ...routesOf(first, last),
        pids: servers.map(({ pid }) => pid),
        storePids: [redis.pid],
        storeCommands: (meanwhile) => commandsOf(redis, meanwhile),
        longestBlockMs: blocksOf(job, servers),
        stop: async () => {
          await Promise.all(servers.map((server) => server.stop()));
          await redis.stop();
        },
      };
    },
  };
}

function builtMainIn(directory: string): string {
  return resolve(directory, 'dist/main.js');
}

function versionIn(directory: string): string {
  return JSON.parse(readFileSync(resolve(directory, 'package.json'), 'utf8')).version;
}

interface Node {
  readonly server: ServerProcess;
  readonly port: number;
}

async function startNode(main: string, environment: Record<string, string>): Promise<Node> {
  const port = await freePort();
  const server = new ServerProcess();
  const command = [process.execPath, main];
  await server.start(command, port, { PORT: String(port), ...environment });
  await waitFor('the service is ready', async () => {
    const { status } = await fetch(`http://127.0.0.1:${port}/readyz`);
    return status === 200;
  });
  return { server, port };
}

/** Appends go to the first node, readers to the last. */
function routesOf(first: Node, last: Node) {
  return {
    port: last.port,
    writerPort: first.port,
    hasHealth: true,
    appendPath: (stream: number) => `${pathOf(stream)}/events`,
    followPath: (stream: number) => `${pathOf(stream)}/stream`,
    inputs: {
      appendPath: (stream: number) => `${pathOf(stream)}/inputs`,
      followPath: (stream: number) => `${pathOf(stream)}/inputs/stream`,
    },
    create: async () => {},
    deleteStreams: async (streams: readonly number[]) => {
      for (const stream of streams) await send(first.port, 'DELETE', pathOf(stream));
    },
  };
}

/** Redis pays for being watched, so that its CPU is to be measured at another time. */
async function commandsOf(redis: RedisServer, meanwhile: () => Promise<unknown>): Promise<number> {
  const client = redis.client();
  const monitor = await client.monitor();
  let commands = 0;
  monitor.on('monitor', (_time, _args, source) => {
    if (source !== 'lua') commands += 1;
  });
  await meanwhile();
  await client.ping(); // the monitor has all before
  monitor.disconnect();
  client.disconnect();
  return commands;
}

function environmentOf({ watchesLoop = false }: Job): Record<string, string> {
  const limits = {
    MAX_CONNECTIONS: '300000',
    FEED_MAX_FEEDS: '200000',
    FEED_MAX_FEEDS_PER_STREAM: '200000',
    LIMITS_STREAM_INPUTS: '100000',
    LIMITS_STREAM_INPUT_BYTES: '64MiB',
  };
  return watchesLoop ? { ...limits, NODE_OPTIONS: `--import=${loopDelay}` } : limits;
}

function blocksOf({ watchesLoop = false }: Job, servers: readonly ServerProcess[]) {
  return async () => {
    if (!watchesLoop) return Number.NaN;
    return Math.max(...(await Promise.all(servers.map((server) => server.longestBlockMs()))));
  };
}

/** Some streams share a session, as the messages of a conversation do. */
function pathOf(stream: number): string {
  return `/sessions/s${Math.floor(stream / 10)}/messages/m${stream}`;
}

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { freePort } from '../../../test/support/free-port.js';
import { RedisServer } from '../../../test/support/redis-server.js';
import { serviceMain } from '../../../test/support/service-main.js';
import { waitFor } from '../../../test/support/wait-for.js';
import { bindProcess, cores } from '../cores.js';
import { send } from './requests.js';
import { ServerProcess } from './server-process.js';
import type { System } from './system.js';

const root = resolve(import.meta.dirname, '../../..');

/** The built service, with its defaults but for the port. */
export const rejoin = rejoinIn(root, serviceMain);

/** The same on a Redis of its own, that keeps nothing on disk. */
export const rejoinOnRedis = rejoinOnRedisIn(root, serviceMain);

/** @param directory of the build: it holds `dist/` */
export function rejoinIn(directory: string, main = builtMainIn(directory)): System {
  return {
    name: 'rejoin',
    version: () => versionIn(directory),
    start: async () => {
      const node = await startNode(main, {});
      return {
        ...routesOf(node, node),
        pids: [node.server.pid],
        storePids: [],
        storeCommands: async () => Number.NaN,
        stop: () => node.server.stop(),
      };
    },
  };
}

export function rejoinOnRedisIn(directory: string, main = builtMainIn(directory)): System {
  return {
    name: 'rejoin-redis',
    version: () => versionIn(directory),
    start: async ({ nodes: count }) => {
      const redis = await RedisServer.start();
      if (cores !== null) bindProcess(redis.pid, cores.store);
      const environment = { STREAM_MANAGER_TYPE: 'redis', REDIS_ADDR: redis.address };
      const first = await startNode(main, environment);
      const last = count === 1 ? first : await startNode(main, environment);
      const servers = [...new Set([first.server, last.server])];
      return {
        ...routesOf(first, last),
        pids: servers.map(({ pid }) => pid),
        storePids: [redis.pid],
        storeCommands: () => commandsOf(redis),
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
    appendPath: (stream: number) => `${pathOf(stream)}/events`,
    followPath: (stream: number) => `${pathOf(stream)}/stream`,
    create: async () => {},
    deleteStreams: async (streams: readonly number[]) => {
      for (const stream of streams) await send(first.port, 'DELETE', pathOf(stream));
    },
  };
}

/** Those that scripts call count too. */
async function commandsOf(redis: RedisServer): Promise<number> {
  const client = redis.client();
  const stats = await client.info('stats');
  client.disconnect();
  return Number(/total_commands_processed:(\d+)/.exec(stats)?.[1]);
}

/** Some streams share a session, as the messages of a conversation do. */
function pathOf(stream: number): string {
  return `/sessions/s${Math.floor(stream / 10)}/messages/m${stream}`;
}

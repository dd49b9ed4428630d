import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { freePort } from '../../support/free-port.js';
import { RedisServer } from '../../support/redis-server.js';
import { bindProcess, cores } from '../cores.js';
import { deleteAll } from './requests.js';
import { ServerProcess } from './server-process.js';
import type { Job, Server, System } from './system.js';

const root = resolve(import.meta.dirname, '../../..');

/** The built service, with its defaults but for the port. */
export const rejoin: System = {
  name: 'rejoin',
  version: () => JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')).version,
  start: async () => {
    const node = await Node.start({});
    return serverOf([node], [], () => node.process.stop());
  },
};

/** The same on a Redis of its own, that keeps nothing on disk. */
export const rejoinOnRedis: System = {
  name: 'rejoin-redis',
  version: rejoin.version,
  start: async ({ nodes: count }: Job) => {
    const redis = await RedisServer.start();
    if (cores !== null) bindProcess(redis.pid, cores.store);
    const environment = { STREAM_MANAGER_TYPE: 'redis', REDIS_ADDR: redis.address };
    const nodes: Node[] = [];
    for (let index = 0; index < count; index += 1) nodes.push(await Node.start(environment));
    return serverOf(nodes, [redis.pid], async () => {
      await Promise.all(nodes.map((node) => node.process.stop()));
      await redis.stop();
    });
  },
};

interface Node {
  readonly process: ServerProcess;
  readonly port: number;
}

const Node = {
  async start(environment: Record<string, string>): Promise<Node> {
    const port = await freePort();
    const process_ = new ServerProcess();
    const command = [process.execPath, resolve(root, 'dist/main.js')];
    await process_.start(command, port, { PORT: String(port), ...environment });
    return { process: process_, port };
  },
};

function serverOf(
  nodes: readonly Node[],
  storePids: readonly number[],
  stop: () => Promise<void>,
): Server {
  const { port } = nodes.at(-1) as Node;
  return {
    port,
    writerPort: (nodes[0] as Node).port,
    pids: nodes.map((node) => node.process.pid),
    storePids,
    appendPath: (stream) => `${pathOf(stream)}/events`,
    followPath: (stream) => `${pathOf(stream)}/stream`,
    create: async () => {},
    forget: (streams) => deleteAll(port, streams.map(pathOf)),
    stop,
  };
}

/** Some streams share a session, as the messages of a conversation do. */
function pathOf(stream: number): string {
  return `/sessions/s${Math.floor(stream / 10)}/messages/m${stream}`;
}

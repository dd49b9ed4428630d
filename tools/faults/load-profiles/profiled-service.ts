import { freePort } from '../../../test/support/free-port.js';
import type { RedisServer } from '../../../test/support/redis-server.js';
import { isReadyAt, ServiceProcess } from '../../../test/support/service-process.js';
import { onRedis } from '../../../test/support/test-processes.js';
import { waitFor } from '../../../test/support/wait-for.js';
import { sleepWhileWaiting } from '../../bench/load/wakefulness.js';
import type { Server } from '../../bench/systems/system.js';
import type { Fault } from '../fault.js';
import { startRedis } from '../scenarios/nodes.js';
import type { Scope } from '../scope.js';
import { ProcessInspector } from './process-inspector.js';

/** On a large machine, V8 leaves much garbage where it is; the limit is the one that docs/operations.md advises. */
const nodeOptions = '--inspect=127.0.0.1:0 --max-old-space-size=1024';

export type Backend = Fault['backend'];

/** A built service, for load profiles with thousands of connections. */
export interface ProfiledService {
  readonly url: string;
  readonly pid: number;
  /** Null in memory. */
  readonly redis: RedisServer | null;
  readonly inspector: ProcessInspector;
  /** The same for the load of the benchmark. */
  readonly server: Server;
}

/** @param environment settings that are not at their defaults */
export async function startService(
  scope: Scope,
  backend: Backend,
  environment: Record<string, string> = {},
): Promise<ProfiledService> {
  sleepWhileWaiting(); // the service and Redis need the cores
  const redis = backend === 'memory' ? null : await startRedis(scope);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const service = new ServiceProcess({
    PORT: String(port),
    // Nobody else reads its log: with a line for each feed, it would wait for the process with the connections.
    LOG_LEVEL: 'warn',
    NODE_OPTIONS: nodeOptions,
    ...(redis === null ? {} : onRedis(redis)),
    ...environment,
  });
  scope.add(service, () => service.kill());
  await waitFor(`the service is ready: ${service.output}`, () => isReadyAt(url));
  const inspector = scope.add(await ProcessInspector.of(service), (one) => one.close());
  return { url, pid: service.pid, redis, inspector, server: serverOf(port, service, redis) };
}

function serverOf(port: number, { pid }: ServiceProcess, redis: RedisServer | null): Server {
  return {
    port,
    writerPort: port,
    pids: [pid],
    storePids: redis === null ? [] : [redis.pid],
    appendPath: (stream) => `${pathOf(stream)}/events`,
    followPath: (stream) => `${pathOf(stream)}/stream`,
    create: async () => {},
    deleteStreams: async () => {},
    hasHealth: false,
    storeCommands: async () => Number.NaN,
    longestBlockMs: async () => Number.NaN,
    stop: async () => {},
  };
}

/** How many streams share a session, as the messages of a conversation do. */
export const sessionStreams = 10;

export function sessionPathOf(stream: number): string {
  return `/sessions/s${Math.floor(stream / sessionStreams)}`;
}

export function pathOf(stream: number): string {
  return `${sessionPathOf(stream)}/messages/m${stream}`;
}

import { RedisServer } from '../../support/redis-server.js';
import { ServiceProcess } from '../../support/service-process.js';
import { waitFor } from '../../support/wait-for.js';
import { sessionOfLoad } from '../load/load.js';
import type { Scope } from '../scope.js';

export type Environment = Readonly<Record<string, string>>;

/** Several processes of the service, ready, with the same settings. */
export async function startNodes(
  scope: Scope,
  count: number,
  environment: Environment,
): Promise<ServiceProcess[]> {
  const start = async () => {
    const node = await ServiceProcess.listening(environment);
    scope.add(node, () => node.kill());
    return node;
  };
  const nodes = await Promise.all(Array.from({ length: count }, start));
  await Promise.all(nodes.map(isReady));
  return nodes;
}

export function isReady({ url }: ServiceProcess): Promise<void> {
  return waitFor('the service is ready', async () => {
    const response = await fetch(`${url}/readyz`);
    await response.arrayBuffer();
    return response.ok;
  });
}

/** @param settings as on the command line of redis-server */
export async function startRedis(scope: Scope, ...settings: string[]): Promise<RedisServer> {
  return scope.add(await RedisServer.start(...settings), (redis) => redis.stop());
}

export function onRedis(redis: RedisServer, environment: Environment = {}): Environment {
  return { STREAM_MANAGER_TYPE: 'redis', REDIS_ADDR: redis.address, ...environment };
}

/** Reads the lists of the load, past the service. */
export function listsOf(scope: Scope, redis: RedisServer): (mid: string) => Promise<string[]> {
  const client = scope.add(redis.client(), (opened) => opened.disconnect());
  return (mid) => client.lrange(`stream:events:${sessionOfLoad}:${mid}`, 0, -1);
}

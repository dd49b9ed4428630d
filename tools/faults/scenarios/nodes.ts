import { freePort } from '../../../test/support/free-port.js';
import { RedisServer } from '../../../test/support/redis-server.js';
import { sessionOfLoad } from '../load/load.js';
import type { Scope } from '../scope.js';
import { type Environment, ServiceNode } from './service-node.js';

/** Several nodes of the service, ready, with the same settings. */
export async function startNodes(
  scope: Scope,
  count: number,
  environment: Environment,
): Promise<ServiceNode[]> {
  const start = async () => {
    const node = new ServiceNode(await freePort(), environment);
    scope.add(node, () => node.kill());
    await node.start();
    return node;
  };
  return Promise.all(Array.from({ length: count }, start));
}

/** @param settings as on the command line of redis-server */
export async function startRedis(scope: Scope, ...settings: string[]): Promise<RedisServer> {
  return scope.add(await RedisServer.start(...settings), (redis) => redis.stop());
}

/** Reads the lists of the load, past the service. */
export function listsOf(scope: Scope, redis: RedisServer): (mid: string) => Promise<string[]> {
  const client = scope.add(redis.client(), (opened) => opened.disconnect());
  return (mid) => client.lrange(`stream:events:${sessionOfLoad}:${mid}`, 0, -1);
}

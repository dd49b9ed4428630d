import { freePort } from '../../../test/support/free-port.js';
import { RedisServer } from '../../../test/support/redis-server.js';
import { type LogName, type StoredOf, sessionOfLoad } from '../load/load.js';
import type { Scope } from '../scope.js';
import { type Environment, ServiceNode } from './service-node.js';

/** More than a load sends to a stream. */
const enoughInputs = { LIMITS_STREAM_INPUTS: '100000', LIMITS_STREAM_INPUT_BYTES: '64MiB' };

/** Several nodes of the service, ready, with the same settings. */
export async function startNodes(
  scope: Scope,
  count: number,
  environment: Environment,
): Promise<ServiceNode[]> {
  const start = async () => {
    const node = new ServiceNode(await freePort(), { ...enoughInputs, ...environment });
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
export function listsOf(scope: Scope, redis: RedisServer): StoredOf {
  const client = scope.add(redis.client(), (opened) => opened.disconnect());
  return (mid, log) => client.lrange(keyOf(mid, log), 0, -1);
}

/** The key of a log of the load. */
export function keyOf(mid: string, log: LogName = 'events'): string {
  const list = `stream:events:${sessionOfLoad}:${mid}`;
  return log === 'events' ? list : `{${list}}::inputs`;
}

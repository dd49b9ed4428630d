import type { RedisServer } from '../../../test/support/redis-server.js';
import { onRedis } from '../../../test/support/test-processes.js';
import type { Run } from '../fault.js';
import { Balancer } from '../load/balancer.js';
import { Load, type LoadOptions, type LogName, type StoredOf } from '../load/load.js';
import type { NetworkConditions } from '../load/network-conditions.js';
import { storedElements } from '../load/stored-elements.js';
import { listsOf, startNodes, startRedis } from './nodes.js';
import type { Environment, ServiceNode } from './service-node.js';
import { usualLoad } from './usual-load.js';

/** Nodes of the service, and the usual load on them. */
export interface UnderLoad {
  readonly nodes: readonly ServiceNode[];
  readonly load: Load;
  readonly storedOf: StoredOf;
}

export interface RedisUnderLoad extends UnderLoad {
  readonly redis: RedisServer;
}

export interface SetUp {
  readonly environment?: Environment;
  /** Between the nodes and their clients. */
  readonly clientNetwork?: NetworkConditions;
  /** Whether readers come through a load balancer, and not to each node in turn. */
  readonly isBalanced?: boolean;
  readonly load?: Partial<LoadOptions>;
}

export interface RedisSetUp extends SetUp {
  /** As on the command line of redis-server. */
  readonly settings?: readonly string[];
  /** Between the nodes and Redis. */
  readonly network?: NetworkConditions;
}

/** One node, which keeps its streams in memory. */
export async function memoryUnderLoad(run: Run, setUp: SetUp = {}): Promise<UnderLoad> {
  const [node] = await startNodes(run.scope, 1, { ...quickEnd, ...setUp.environment });
  const nodes = [node as ServiceNode];
  const load = await startLoad(run, nodes, setUp);
  const storedOf = (mid: string, log: LogName) =>
    storedElements(load.client, nodes[0]?.url ?? '', mid, log);
  return { nodes, load, storedOf };
}

/** A Redis, and two nodes on it. */
export async function redisUnderLoad(run: Run, setUp: RedisSetUp = {}): Promise<RedisUnderLoad> {
  const { scope } = run;
  const redis = await startRedis(scope, ...(setUp.settings ?? []));
  const port = (await setUp.network?.before(scope, redis.port)) ?? redis.port;
  const between = { REDIS_ADDR: `127.0.0.1:${port}` };
  const environment = { ...quickEnd, ...onRedis(redis), ...setUp.environment, ...between };
  const nodes = await startNodes(scope, 2, environment);
  const load = await startLoad(run, nodes, setUp);
  return { redis, nodes, load, storedOf: listsOf(scope, redis) };
}

const quickEnd = { FEED_LINGER: '100ms' };

async function startLoad(run: Run, nodes: readonly ServiceNode[], setUp: SetUp): Promise<Load> {
  const { clientNetwork, isBalanced = false } = setUp;
  const bases: string[] = [];
  for (const node of nodes) {
    const port = (await clientNetwork?.before(run.scope, node.port)) ?? node.port;
    bases.push(`http://127.0.0.1:${port}`);
  }
  const ports = nodes.map(({ port }) => port);
  const readerBases = isBalanced ? [(await Balancer.start(run.scope, ports)).url] : bases;
  return Load.start(run.scope, { ...usualLoad(run, nodes, bases), readerBases, ...setUp.load });
}

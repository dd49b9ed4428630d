import type { RedisServer } from '../../support/redis-server.js';
import type { ServiceProcess } from '../../support/service-process.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import type { Run } from '../fault.js';
import { Load, type LoadOptions, type StoredOf } from '../load/load.js';
import type { Weather } from '../load/weather.js';
import { type Environment, listsOf, onRedis, startNodes, startRedis } from './nodes.js';
import { usualLoad } from './usual-load.js';

export interface UnderLoad {
  readonly redis: RedisServer;
  readonly nodes: readonly ServiceProcess[];
  readonly load: Load;
  readonly storedOf: StoredOf;
}

export interface SetUp {
  /** As on the command line of redis-server. */
  readonly settings?: readonly string[];
  readonly environment?: Environment;
  /** Between the nodes and Redis. */
  readonly weather?: Weather;
  readonly load?: Partial<LoadOptions>;
}

/** A Redis, two nodes of the service on it, and the usual load on these. */
export async function redisUnderLoad(run: Run, setUp: SetUp = {}): Promise<UnderLoad> {
  const { scope } = run;
  const { settings = [], environment = {}, weather } = setUp;
  const redis = await startRedis(scope, ...settings);
  const between = weather === undefined ? {} : await proxyTo(run, redis, weather);
  const ownSettings = { FEED_LINGER: '100ms', ...environment, ...between };
  const nodes = await startNodes(scope, 2, onRedis(redis, ownSettings));
  const bases = nodes.map(({ url }) => url);
  const load = await Load.start(scope, { ...usualLoad(run, bases), ...setUp.load });
  return { redis, nodes, load, storedOf: listsOf(scope, redis) };
}

async function proxyTo({ scope }: Run, redis: RedisServer, weather: Weather): Promise<Environment> {
  const proxy = await TcpProxy.start(redis.port, weather.fault);
  scope.add(proxy, () => proxy.close());
  return { REDIS_ADDR: `127.0.0.1:${proxy.port}` };
}

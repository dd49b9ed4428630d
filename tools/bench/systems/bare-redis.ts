import { RedisServer } from '../../../test/support/redis-server.js';
import { bindProcess, cores } from '../cores.js';
import { startProgram } from './node-program.js';
import type { System } from './system.js';

/** A few lines of node:http before a script of RPUSH, PEXPIRE and PUBLISH. */
export const bareRedis: System = {
  name: 'bare-redis',
  version: () => `Node.js ${process.versions.node}`,
  start: async () => {
    const redis = await RedisServer.start();
    if (cores !== null) bindProcess(redis.pid, cores.store);
    const server = await startProgram('bare-redis-server.ts', String(redis.port));
    return {
      ...server,
      storePids: [redis.pid],
      stop: async () => {
        await server.stop();
        await redis.stop();
      },
    };
  },
};

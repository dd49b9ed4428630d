import { RedisServer } from '../../../test/support/redis-server.js';
import { bindProcess, cores } from '../cores.js';
import { startProgram } from './node-program.js';
import type { System } from './system.js';

/** A few lines of node:http with PUBLISH at one process and SUBSCRIBE at another. */
export const barePubsub: System = {
  name: 'bare-pubsub',
  version: () => `Node.js ${process.versions.node}`,
  start: async () => {
    const redis = await RedisServer.start();
    if (cores !== null) bindProcess(redis.pid, cores.store);
    const start = () => startProgram('bare-pubsub-server.ts', String(redis.port));
    const [writer, reader] = await Promise.all([start(), start()]);
    return {
      ...reader,
      writerPort: writer.port,
      pids: [...writer.pids, ...reader.pids],
      storePids: [redis.pid],
      stop: async () => {
        await Promise.all([writer.stop(), reader.stop()]);
        await redis.stop();
      },
    };
  },
};

import { createRequire } from 'node:module';
import { pathOf, startProgram } from './node-program.js';
import { send } from './requests.js';
import type { System } from './system.js';

const json = { 'content-type': 'application/json' };

/** Durable Streams, its server for Node.js: append-only logs over HTTP, with SSE. */
export const durableStreams: System = {
  name: 'durable-streams',
  version: () => createRequire(import.meta.url)('@durable-streams/server/package.json').version,
  start: async () => {
    const server = await startProgram('durable-streams-server.ts');
    return {
      ...server,
      followPath: (stream) => `${pathOf(stream)}?offset=-1&live=sse`,
      create: async (streams) => {
        for (const stream of streams) await send(server.port, 'PUT', pathOf(stream), json);
      },
    };
  },
};

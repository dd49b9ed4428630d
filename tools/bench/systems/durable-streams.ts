import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pathOf, startProgram } from './node-program.js';
import { send } from './requests.js';
import type { System } from './system.js';

const json = { 'content-type': 'application/json' };
const name = '@durable-streams/server';
const version = '0.3.7';

/** Durable Streams, its server for Node.js: append-only logs over HTTP, with SSE. */
export const durableStreams: System = {
  name: 'durable-streams',
  version: () => version,
  start: async () => {
    const module = pathToFileURL(ensureModule()).href;
    const server = await startProgram('durable-streams-server.ts', module);
    return {
      ...server,
      followPath: (stream) => `${pathOf(stream)}?offset=-1&live=sse`,
      create: async (streams) => {
        for (const stream of streams) await send(server.port, 'PUT', pathOf(stream), json);
      },
    };
  },
};

/**
 * Installed where it is wanted: among the project's packages, one for other platforms that it
 * depends on and that not every registry has would make `npm ci` fail for everybody.
 */
function ensureModule(): string {
  const directory = join(tmpdir(), `rejoin-bench-durable-streams-${version}`);
  const require = createRequire(join(directory, 'index.js'));
  if (!existsSync(join(directory, 'node_modules', name))) {
    const install = ['install', '--no-save', '--prefix', directory, `${name}@${version}`];
    execFileSync('npm', install, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return require.resolve(name);
}

import { resolve } from 'node:path';
import { freePort } from '../../support/free-port.js';
import { deleteAll } from './requests.js';
import { ServerProcess } from './server-process.js';
import type { Job, Server, System } from './system.js';

/** A few lines of node:http. */
export const bare: System = {
  name: 'bare',
  version: () => `Node.js ${process.versions.node}`,
  start: ({ bare: job }: Job) => startProgram('bare-server.ts', job),
};

/** The design that Rejoin began with: every reader's handler polls. */
export const poll: System = {
  name: 'poll',
  version: () => 'every 100 ms',
  start: () => startProgram('polling-server.ts'),
};

/** A program of this folder that takes appends and readers of a stream on one path. */
async function startProgram(file: string, ...args: readonly string[]): Promise<Server> {
  const port = await freePort();
  const program = resolve(import.meta.dirname, file);
  const command = [process.execPath, '--import', import.meta.resolve('tsx'), program];
  const server = new ServerProcess();
  await server.start([...command, String(port), ...args], port);
  return {
    port,
    writerPort: port,
    pids: [server.pid],
    storePids: [],
    appendPath: (stream) => `/streams/${stream}`,
    followPath: (stream) => `/streams/${stream}`,
    create: async () => {},
    forget: (streams) =>
      deleteAll(
        port,
        streams.map((stream) => `/streams/${stream}`),
      ),
    stop: () => server.stop(),
  };
}

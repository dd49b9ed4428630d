import { resolve } from 'node:path';
import { freePort } from '../../../test/support/free-port.js';
import { send } from './requests.js';
import { ServerProcess } from './server-process.js';
import { type Server, withoutStore } from './system.js';

/**
 * Starts a program of this folder, which is told its port, and takes the appends and the readers of
 * a stream on one path.
 */
export async function startProgram(file: string, ...args: readonly string[]): Promise<Server> {
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
    appendPath: pathOf,
    followPath: pathOf,
    create: async () => {},
    deleteStreams: async (streams) => {
      for (const stream of streams) await send(port, 'DELETE', pathOf(stream));
    },
    hasHealth: false,
    storeCommands: withoutStore,
    longestBlockMs: async () => Number.NaN,
    stop: () => server.stop(),
  };
}

export function pathOf(stream: number): string {
  return `/streams/${stream}`;
}

import { startProgram } from './node-program.js';
import type { System } from './system.js';

/** A few lines of node:http. */
export const bare: System = {
  name: 'bare',
  version: () => `Node.js ${process.versions.node}`,
  start: ({ bare: job }) => startProgram('bare-server.ts', job),
};

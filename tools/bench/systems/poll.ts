import { createRequire } from 'node:module';
import { startProgram } from './node-program.js';
import type { System } from './system.js';

/** The design that Rejoin began with: the handler of each reader polls. */
export const poll: System = {
  name: 'poll',
  version: () => `Fastify ${createRequire(import.meta.url)('fastify/package.json').version}`,
  start: () => startProgram('polling-server.ts'),
};

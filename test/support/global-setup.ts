import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { bundleWithCodeCache } from './bundle-program.js';
import { chromium, ensureProgram, nginx } from './debian-packages.js';
import { RedisServer } from './redis-server.js';
import { builtMain, bundleVariable } from './service-main.js';

declare module 'vitest' {
  interface ProvidedContext {
    redisPort: number;
    chromiumPath: string;
    nginxPath: string;
  }
}

/** Gets what the tests need, or says what is missing: nothing is skipped for want of it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  project.provide('chromiumPath', ensureProgram(chromium));
  project.provide('nginxPath', ensureProgram(nginx));
  const redis = await RedisServer.start();
  project.provide('redisPort', redis.port);
  const directory = mkdtempSync(join(tmpdir(), 'rejoin-bundle-'));
  // What runs no service needs no build.
  if (existsSync(builtMain)) {
    process.env[bundleVariable] = join(directory, 'service.cjs');
    await bundleWithCodeCache(builtMain, process.env[bundleVariable]);
  }
  return async () => {
    rmSync(directory, { recursive: true });
    await redis.stop();
  };
}

import type { TestProject } from 'vitest/node';
import { chromium, ensureProgram, nginx } from './debian-packages.js';
import { RedisServer } from './redis-server.js';

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
  return () => redis.stop();
}

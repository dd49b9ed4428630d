import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { FeedClient } from './feed-client.js';
import { RedisServer } from './redis-server.js';
import { ServiceProcess } from './service-process.js';
import { waitFor } from './wait-for.js';

/** Processes and connections of one test: they are gone when the test is. */

export type Environment = Readonly<Record<string, string>>;

/** Starts the service on a free port unless one is given, and does not wait until it listens. */
export function launchService(environment: Environment = {}, directory?: string): ServiceProcess {
  const place = directory === undefined ? {} : { directory };
  const service = new ServiceProcess({ PORT: '0', ...environment }, place);
  onTestFinished(() => service.kill());
  return service;
}

export async function startService(
  environment: Environment = {},
  directory?: string,
): Promise<ServiceProcess> {
  const service = launchService(environment, directory);
  await service.isListening();
  return service;
}

/** The settings of a service on this Redis. */
export function onRedis(redis: RedisServer, environment: Environment = {}): Environment {
  return { STREAM_MANAGER_TYPE: 'redis', REDIS_ADDR: redis.address, ...environment };
}

/** @param settings as on the command line of redis-server */
export async function startRedis(...settings: string[]): Promise<RedisServer> {
  const redis = await RedisServer.start(...settings);
  onTestFinished(() => redis.stop());
  return redis;
}

/** An ioredis client that waits as long as it takes. */
export function clientOf(redis: RedisServer, options: Parameters<RedisServer['client']>[0] = {}) {
  const client = redis.client(options);
  onTestFinished(() => client.disconnect());
  return client;
}

export async function openFeed(
  url: string,
  headers: Record<string, string> = {},
): Promise<FeedClient> {
  const feed = await FeedClient.open(url, headers);
  onTestFinished(() => feed.drop());
  return feed;
}

/** A directory with these files, by name. */
export function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'rejoin-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), content);
  }
  return directory;
}

/** The response of `/readyz`. */
export async function readiness(service: ServiceProcess): Promise<number> {
  const response = await fetch(`${service.url}/readyz`);
  await response.arrayBuffer();
  return response.status;
}

export async function isReady(service: ServiceProcess): Promise<void> {
  await waitFor('it is ready', async () => (await readiness(service)) === 200);
}

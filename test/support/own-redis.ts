import { onTestFinished } from 'vitest';
import { type BackendOptions, redisBackend } from './backends.js';
import { newStream } from './events.js';
import { RedisServer } from './redis-server.js';

/** Of a Redis whose memory a test can make full. */
export const canBeFull = ['--maxmemory-policy', 'noeviction', '--save', ''];

/**
 * A Redis of the caller's own, a stream manager on it, and a client that looks behind the manager. The
 * caller stops them.
 *
 * @param settings as on the command line of redis-server
 */
export async function startOwnRedis(options: BackendOptions = {}, ...settings: string[]) {
  const server = await RedisServer.start(...settings);
  const redis = server.client();
  const where = { addresses: [server.endpoint], ...options.redis };
  const manager = await redisBackend.create({ ...options, redis: where });
  const stop = async () => {
    await manager.close();
    redis.disconnect();
    await server.stop();
  };
  return { server, redis, manager, stop };
}

/** The same until the test is over. */
export async function ownRedis(options: BackendOptions = {}, ...settings: string[]) {
  const own = await startOwnRedis(options, ...settings);
  onTestFinished(own.stop);
  return own;
}

/** A stream that no other test uses, with its keys in Redis. */
export function newList(prefix: string) {
  const stream = newStream();
  const list = `${prefix}:${stream.sessionId}:${stream.messageId}`;
  return { stream, list, state: `{${list}}::state2` };
}

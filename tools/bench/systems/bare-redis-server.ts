import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { Redis } from 'ioredis';

/**
 * The least that a Node.js server can do to append to Redis Lists and tell other nodes:
 * `bare-redis-server.ts <port> <port of Redis>`.
 */

const [port, redisPort] = process.argv.slice(2).map(Number) as [number, number];

const ttlMs = 3_600_000;
const lua = `
  local length = redis.call('RPUSH', KEYS[1], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  redis.call('PUBLISH', KEYS[1] .. '::wake', length)
  return length`;

const redis = new Redis({
  port: redisPort,
  scripts: { append: { lua, numberOfKeys: 1 } },
}) as Redis & {
  append(list: string, event: Buffer, ttlMs: number): Promise<number>;
};

createServer(async (request, response) => {
  if (request.method === 'DELETE') await redis.del(request.url as string);
  else await redis.append(request.url as string, await buffer(request), ttlMs);
  response.writeHead(201, { 'content-length': 0 }).end();
}).listen(port, '127.0.0.1');

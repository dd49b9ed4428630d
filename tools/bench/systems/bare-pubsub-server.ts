import { createServer, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { Redis } from 'ioredis';

/**
 * The least that two Node.js servers can do to deliver events over Redis: what one publishes, the other one writes
 * to the readers that it has. `bare-pubsub-server.ts <port> <port of Redis>`.
 */

const [port, redisPort] = process.argv.slice(2).map(Number) as [number, number];

const publisher = new Redis({ port: redisPort });
const subscriber = new Redis({ port: redisPort });
const readers = new Map<string, Set<ServerResponse>>();
let count = 0;

subscriber.on('message', (path: string, event: string) => {
  count += 1;
  for (const reader of readers.get(path) ?? []) reader.write(`id: ${count}\ndata: ${event}\n\n`);
});

createServer(async (request, response) => {
  const path = request.url as string;
  if (request.method === 'GET') {
    const here = readers.get(path) ?? new Set();
    readers.set(path, here.add(response));
    response.on('close', () => here.delete(response));
    await subscriber.subscribe(path);
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  } else {
    await publisher.publish(path, await buffer(request));
    response.writeHead(201, { 'content-length': 0 }).end();
  }
}).listen(port, '127.0.0.1');

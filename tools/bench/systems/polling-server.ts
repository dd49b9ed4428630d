import Fastify from 'fastify';

/**
 * The original design, `polling-server.ts <port>`: events in a list, and for each reader a handler
 * that reads on from its place every 100 milliseconds and prints what it finds.
 */

const pollMs = 100;
const streams = new Map<string, unknown[]>();
const app = Fastify();

app.post<{ Params: { id: string } }>('/streams/:id', (request, reply) => {
  const { id } = request.params;
  const events = streams.get(id) ?? [];
  streams.set(id, events);
  events.push(request.body);
  return reply.code(201).send({ nextOffset: events.length });
});

app.get<{ Params: { id: string } }>('/streams/:id', (request, reply) => {
  reply.hijack();
  const response = reply.raw;
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  let offset = 0;
  const poll = () => {
    for (const event of streams.get(request.params.id)?.slice(offset) ?? []) {
      offset += 1;
      response.write(`id: ${offset}\ndata: ${JSON.stringify(event)}\n\n`);
    }
  };
  const timer = setInterval(poll, pollMs);
  response.on('close', () => clearInterval(timer));
  poll();
});

await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });

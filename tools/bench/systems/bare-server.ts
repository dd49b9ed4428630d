import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/**
 * The least that a Node.js server can do for the same job: `bare-server.ts <port> <job>`. With
 * `discard` it reads the body and responds; with `fan-out` it writes one shared buffer for each event
 * to every response; with `keep` it gives all events to who comes.
 */

const [port, job] = process.argv.slice(2);

interface BareStream {
  readonly frames: Buffer[];
  readonly responses: Set<ServerResponse>;
  count: number;
}

const streams = new Map<string, BareStream>();
const end = Buffer.from('\n\n');

createServer((request, response) => {
  if (request.method === 'GET') follow(streamOf(request), response);
  else if (request.method === 'DELETE') deleteStream(request, response);
  else if (request.headers['content-type'] === 'application/x-ndjson')
    appendLines(request, response);
  else append(request, response);
}).listen(Number(port), '127.0.0.1');

function streamOf({ url }: IncomingMessage): BareStream {
  const key = url as string;
  const known = streams.get(key);
  if (known !== undefined) return known;
  const stream = { frames: [], responses: new Set<ServerResponse>(), count: 0 };
  streams.set(key, stream);
  return stream;
}

function append(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (job !== 'discard') {
      const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      deliver(streamOf(request), body);
    }
    response.writeHead(201, { 'content-length': 0 }).end();
  });
}

/** A line at a time, however the body comes. */
function appendLines(request: IncomingMessage, response: ServerResponse): void {
  const stream = streamOf(request);
  let rest: Buffer = Buffer.alloc(0);
  request.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let to = bytes.indexOf(10); to !== -1; to = bytes.indexOf(10, from)) {
      deliver(stream, bytes.subarray(from, to));
      from = to + 1;
    }
    rest = bytes.subarray(from);
  });
  request.on('end', () => response.writeHead(201, { 'content-length': 0 }).end());
}

function deleteStream({ url }: IncomingMessage, response: ServerResponse): void {
  streams.delete(url as string);
  response.writeHead(204).end();
}

function deliver(stream: BareStream, event: Buffer): void {
  stream.count += 1;
  const frame = Buffer.concat([Buffer.from(`id: ${stream.count}\ndata: `), event, end]);
  if (job === 'keep') stream.frames.push(frame);
  for (const response of stream.responses) response.write(frame);
}

function follow(stream: BareStream, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  if (stream.frames.length > 0) response.write(Buffer.concat(stream.frames));
  stream.responses.add(response);
  response.on('close', () => stream.responses.delete(response));
}

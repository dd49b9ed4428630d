import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BodyBudget, BodyShare } from '../../src/http/body/body-budget.js';
import { readBody } from '../../src/http/body/read-body.js';
import { waitFor } from '../support/wait-for.js';

/** Requests, each as it is handled, and a connection to send one on. */
async function startServer() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {}); // it may be reset
  onTestFinished(() => {
    socket.destroy();
    server.close();
  });
  const head = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345';
  socket.write(head);
  const [request] = (await once(server, 'request')) as [IncomingMessage];
  return { request, socket };
}

const limits = { maxBytes: 100, timeoutMs: 60_000, tooLarge: () => new Error('too large') };
const read = (request: IncomingMessage) =>
  new Promise((resolve) =>
    readBody(request, limits, new BodyShare(new BodyBudget(100, 0)), resolve),
  );

describe('Reading a body whose connection breaks', () => {
  it('ends at once', async () => {
    const { request, socket } = await startServer();
    const error = read(request);
    socket.destroy();
    expect(await error).toBeInstanceOf(Error);
  });

  it('ends at once when the connection broke before', async () => {
    const { request, socket } = await startServer();
    socket.destroy();
    request.on('error', () => {});
    await waitFor('the request is over', () => request.closed);
    expect(await read(request)).toBeInstanceOf(Error);
  });
});

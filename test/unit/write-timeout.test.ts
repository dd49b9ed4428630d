import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Stall } from '../../src/feed/write-timeout.js';
import { waitFor } from '../support/wait-for.js';

/** More than the buffers between two sockets hold, in one write. */
const bytes = Buffer.alloc(32 * 1024 ** 2);

describe('a stall', () => {
  it('lasts from the first look that finds as many bytes unsent as the last one', () => {
    const stall = new Stall();
    expect(stall.durationMs(responseWith(5, 3), 1000)).toBe(0);
    expect(stall.durationMs(responseWith(5, 3), 1700)).toBe(700);
    expect(stall.durationMs(responseWith(5, 2), 1800)).toBe(0);
    expect(stall.durationMs(responseWith(4, 2), 1900)).toBe(0);
    expect(stall.durationMs(responseWith(4, 2), 2000)).toBe(100);
  });

  it('is over when everything was sent', () => {
    const stall = new Stall();
    stall.durationMs(responseWith(5, 3), 1000);
    stall.end();
    expect(stall.durationMs(responseWith(5, 3), 2000)).toBe(0);
  });

  it('is seen in a response that has no socket', () => {
    const stall = new Stall();
    const response = { socket: null } as ServerResponse;
    stall.durationMs(response, 1000);
    expect(stall.durationMs(response, 2000)).toBe(1000);
  });

  it('is not seen in the middle of a write that a client takes bit by bit', async () => {
    const { sent, received } = await exchange();
    const stall = new Stall();
    sent.write(bytes);
    let now = 0;
    const look = () => stall.durationMs(sent, ++now);
    await waitFor('the socket is full', () => look() > 100);
    received.resume();
    await waitFor('a part is taken', () => look() === 0);
    expect(sent.writableNeedDrain).toBe(true);
  });
});

function responseWith(writableLength: number, writeQueueSize: number): ServerResponse {
  return { socket: { writableLength, _handle: { writeQueueSize } } } as unknown as ServerResponse;
}

/** Both ends of a response that nobody reads yet. */
async function exchange(): Promise<{ sent: ServerResponse; received: IncomingMessage }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const asked = request({ host: '127.0.0.1', port, agent: false }).end();
  onTestFinished(() => {
    asked.destroy();
    server.close();
  });
  const [, sent] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
  sent.flushHeaders();
  const [received] = (await once(asked, 'response')) as [IncomingMessage];
  received.on('error', () => {}); // the test leaves in the middle
  return { sent, received };
}

import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { unlessStalled } from '../support/unless-stalled.js';
import { waitFor } from '../support/wait-for.js';

/** More than the buffers between two sockets hold, in one write. */
const bytes = Buffer.alloc(32 * 1024 ** 2);
const timeoutMs = 400;
/** As much as opens the window of a TCP socket that was full, however large its buffer has grown. */
const pieceBytes = 1024 ** 2;

/** What feeds and responses go by: should Node change it, they would be cut too early or never. */
describe('The timeout of a socket in Node.js', () => {
  it('A socket with bytes to send times out when its client takes none', async () => {
    const { sent } = await exchange();
    const timeouts: string[] = [];
    sent.setTimeout(timeoutMs, () => timeouts.push('timeout')).write(bytes);
    await waitFor('it times out', () => timeouts.length > 0);
    expect(sent.writableNeedDrain).toBe(true);
  });

  it('A socket does not time out in the middle of a write that its client takes bit by bit', async () => {
    await unlessStalled(timeoutMs / 4, async () => {
      const { sent, received } = await exchange();
      const timeouts: string[] = [];
      sent.setTimeout(timeoutMs, () => timeouts.push('timeout')).write(bytes);
      for (let pieces = 0; pieces < 12; pieces += 1) {
        await sleep(timeoutMs / 4);
        let left = pieceBytes;
        const onData = ({ length }: Buffer) => {
          left -= length;
          if (left <= 0) received.off('data', onData).pause();
        };
        received.on('data', onData).resume();
      }
      expect(sent.writableNeedDrain).toBe(true);
      expect(timeouts).toEqual([]);
    });
  });
});

/** Both ends of a response that nobody reads yet. */
async function exchange(): Promise<{ sent: ServerResponse; received: IncomingMessage }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const asked = request({ host: '127.0.0.1', port, agent: false }).end();
  onTestFinished(() => {
    asked.destroy();
    server.closeAllConnections();
    server.close();
  });
  const [, sent] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
  sent.flushHeaders();
  const [received] = (await once(asked, 'response')) as [IncomingMessage];
  received.on('error', () => {}); // the test leaves in the middle
  return { sent, received };
}

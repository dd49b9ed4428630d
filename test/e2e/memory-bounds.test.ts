import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { peakMib, residentMib } from '../support/memory.js';
import type { ServiceProcess } from '../support/service-process.js';
import { startService } from '../support/test-processes.js';
import { eventsUrl, post } from '../support/worker.js';

function connectTo({ url }: ServiceProcess): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => {}); // 'close' follows
  onTestFinished(() => void socket.destroy());
  return socket;
}

function get(path: string, head = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${head}\r\n`;
}

const floods = [
  get('/healthz', `x: ${'x'.repeat(15_800)}\r\n`).repeat(99),
  'GET / HTTP/1.1\r\n\r\n'.repeat(100_000),
  `GET / HTTP/1.1\r\nx: ${'x'.repeat(16_000)}`, // which does not end
];

/** What the service needs at the most beyond what it has now, in MiB. */
async function growthMib(service: ServiceProcess, use: () => Promise<void>): Promise<number> {
  const before = residentMib(service.pid);
  await use();
  return peakMib(service.pid) - before;
}

describe('The memory of the service', () => {
  it('stays small when a client asks for many large pages and reads none', async () => {
    const service = await startService();
    const url = eventsUrl(service.url);
    await post(url, { type: 'answer', content: 'x'.repeat(1_000_000) });
    const growth = await growthMib(service, async () => {
      const socket = connectTo(service).pause();
      socket.write(`GET ${new URL(url).pathname} HTTP/1.1\r\nhost: localhost\r\n\r\n`.repeat(1000));
      for (let count = 0; count < 200; count += 1) await fetch(`${service.url}/healthz`);
    });
    expect(growth).toBeLessThan(100); // all thousand responses are a gigabyte
  });

  it('stays small when 100 connections send heads, of any kind, behind a read that waits', async () => {
    const service = await startService();
    await fetch(`${service.url}/healthz`);
    const growth = await growthMib(service, async () => {
      for (const behind of floods) {
        const sockets = Array.from({ length: 100 }, () => connectTo(service));
        for (const socket of sockets) {
          socket.write(
            get('/sessions/s/messages/m/events?wait=60', `x: ${'x'.repeat(15_800)}\r\n`),
          );
          await new Promise((resolve) => socket.write(behind, resolve));
        }
        for (let count = 0; count < 200; count += 1) await fetch(`${service.url}/healthz`);
        for (const socket of sockets) socket.destroy();
      }
    });
    expect(growth).toBeLessThan(60);
  });

  it.each(['application/json', 'application/x-ndjson'])(
    'stays small when a body of %s arrives byte by byte',
    async (type) => {
      const length = 600_000;
      const service = await startService({ LIMITS_EVENT_BYTES: '4MiB' });
      await fetch(`${service.url}/healthz`);
      const growth = await growthMib(service, async () => {
        const response = await sendByteByByte(connectTo(service), type, length);
        expect(response).toMatch(/^HTTP\/1.1 201 /);
      });
      expect(growth).toBeLessThan(100); // an object for each byte is 210 MB
    },
  );
});

/** Posts one event of that many characters, each in an HTTP chunk of its own. */
async function sendByteByByte(socket: Socket, type: string, length: number): Promise<string> {
  const chunk = (piece: string) => `${piece.length.toString(16)}\r\n${piece}\r\n`;
  const head = `POST /sessions/s/messages/m/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\n`;
  const some = 10_000;
  socket.write(`${head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n`);
  socket.write(chunk('{"type":"answer","content":"'));
  for (let sent = 0; sent < length; sent += some) {
    if (!socket.write(chunk('x').repeat(some))) await once(socket, 'drain');
  }
  socket.write(`${chunk('"}')}0\r\n\r\n`);
  return text(socket);
}

import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** The response to a GET of exactly this path, which an HTTP client would mend. */
export function rawRequest(
  base: string,
  path: string,
  version = '1.1',
  head = '',
): Promise<string> {
  const text = `GET ${path} HTTP/${version}\r\nhost: x\r\nconnection: close\r\n${head}\r\n`;
  return rawBytes(base, text);
}

/** Everything that the server sends in response to these bytes, until it closes the connection. */
export function rawBytes(base: string, text: string): Promise<string> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    let response = '';
    const socket = connect(Number(port), hostname, () => socket.write(text, 'utf8'));
    socket.setEncoding('utf8');
    socket.on('data', (data: string) => {
      response += data;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(response));
  });
}

/** A connection until the test is over, with what has come of it. */
export function openSocket(base: string): Socket & { response: string } {
  const { hostname, port } = new URL(base);
  const socket = Object.assign(connect(Number(port), hostname), { response: '' });
  socket.on('error', () => {}); // 'close' follows
  onTestFinished(() => void socket.destroy());
  socket.setEncoding('utf8').on('data', (text: string) => {
    socket.response += text;
  });
  return socket;
}

/**
 * Sends requests over one connection, each when the response to the one before is whole by its
 * `Content-Length`. Resolves with the responses; what is sent behind the last one of the connection
 * gets an empty one.
 */
export async function rawInTurn(base: string, requests: readonly string[]): Promise<string[]> {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  let text = '';
  let wake = () => {};
  socket.on('error', () => {}); // 'close' follows
  socket.on('close', () => wake());
  socket.on('data', (piece: string) => {
    text += piece;
    wake();
  });
  const responses: string[] = [];
  for (const request of requests) {
    text = '';
    socket.write(request, 'utf8');
    while (!isWhole(text) && !socket.destroyed) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    responses.push(text);
  }
  socket.destroy();
  return responses;
}

function isWhole(response: string): boolean {
  const [head = '', body] = response.split('\r\n\r\n', 2);
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  return body !== undefined && Buffer.byteLength(body) >= length;
}

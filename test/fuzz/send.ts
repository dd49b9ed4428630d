import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ReceivedResponse } from './checker.js';
import type { FuzzRequest } from './requests.js';

/** Long enough for what gets its response at once, and for an early response to end. */
const responseMs = 60_000;

/**
 * Sends a request in its pieces and reads the response: of a feed, the head. Resolves with null when
 * the connection is closed without one.
 */
export async function send(base: string, request: FuzzRequest): Promise<ReceivedResponse | null> {
  const socket = connect(Number(new URL(base).port), '127.0.0.1');
  const response = readResponse(socket, request.sent.method);
  for (const piece of cut(request.bytes, request.cuts)) {
    if (piece.length > 0) socket.write(piece);
    await nextTurn();
  }
  // What is broken may leave the service waiting for more.
  if (!request.sent.isComplete || request.sent.isMangled) socket.end();
  try {
    return await response;
  } finally {
    socket.destroy();
  }
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = cuts.map((place) => place % (bytes.length + 1)).sort((x, y) => x - y);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index]));
}

function readResponse(socket: Socket, method: string): Promise<ReceivedResponse | null> {
  return new Promise((resolve, reject) => {
    let text = '';
    const late = setTimeout(() => reject(new Error(`no whole answer came: ${text}`)), responseMs);
    const settle = (response: ReceivedResponse | null) => {
      clearTimeout(late);
      resolve(response);
    };
    socket.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
      const response = parseResponse(text, method);
      if (response !== null) settle(response);
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => settle(null));
  });
}

/** The response that the text holds; null while it is not whole. */
function parseResponse(text: string, method: string): ReceivedResponse | null {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const head = text.slice(0, end);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
  const contentType = /^content-type: (.*)$/im.exec(head)?.[1] ?? '';
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
  const body = text.slice(end + 4);
  const hasBody =
    method !== 'HEAD' && status !== 204 && !contentType.startsWith('text/event-stream');
  if (hasBody && body.length < length) return null;
  return { status, contentType, body: hasBody ? body.slice(0, length) : '' };
}

import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ServiceError } from '../../errors.js';
import { problemContentType, toProblem } from '../problem.js';
import { bodyError } from '../read-body.js';
import { securityHeaders } from '../security-headers.js';

/** How long a client may take to read the answer. */
const lingerMs = 1000;

const extraHeaders = Object.entries(securityHeaders)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('');

/**
 * Answers a request that never became one, since Node could not parse it or it came too slowly. One
 * that came behind others is answered after them.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  const current = responseOn(socket);
  if (error.code === 'ECONNRESET' || !socket.writable || current?.headersSent === true) {
    socket.destroy(); // in the midst of an answer, ours would be text of it
    return;
  }
  if (current?.req.complete === true) {
    socket.pause();
    current.once('close', () => answerClientError(error, socket));
    return;
  }
  // Of a body that is being read, the reader knows what has become of it.
  if (current?.req.emit(bodyError, toServiceError(error)) === true) return;
  const problem = toProblem(toServiceError(error), '/');
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n` +
      `Content-Type: ${problemContentType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n` +
      `${extraHeaders}Connection: close\r\n\r\n${body}`,
  );
  // A client that keeps its own side open would keep the socket.
  const cut = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(cut));
}

/** The response to the first request of the socket that is not answered yet. Node's own way to know. */
function responseOn(socket: Socket & { _httpMessage?: ServerResponse | null }) {
  return socket._httpMessage ?? null;
}

function toServiceError(error: NodeJS.ErrnoException): ServiceError {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return new ServiceError('headers_too_large', 'the request line and headers are too large');
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new ServiceError('request_timeout', 'the request did not arrive in time');
  }
  return new ServiceError('invalid_header', 'this is not an HTTP request');
}

import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ServiceError } from '../../errors.js';
import { bodyError } from '../body/read-body.js';
import { securityHeaders } from '../hooks/security-headers.js';
import { noRoute, type OnRejected, problemContentType, toProblem } from '../problems/problem.js';
import { closeLingering } from './connection.js';

const extraHeaders = Object.entries(securityHeaders)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('');

/**
 * Tells an error to the reader of a body that is coming, which knows what has become of it.
 *
 * @returns whether there is one
 */
export function tellReader(request: IncomingMessage, error: NodeJS.ErrnoException): boolean {
  return request.emit(bodyError, toServiceError(error));
}

/**
 * Responds to a request that never became one, since Node could not parse it or it came too slowly, and
 * closes the connection. What follows on it may be rejected again, which the client is not told.
 */
export function rejectClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
  onRejected: OnRejected,
): void {
  if (!socket.writable) return;
  const problem = toProblem(toServiceError(error), '/');
  onRejected(problem.code, noRoute);
  const body = JSON.stringify(problem);
  socket.write(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n` +
      `Content-Type: ${problemContentType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n` +
      `${extraHeaders}Connection: close\r\n\r\n${body}`,
  );
  closeLingering(socket);
}

function toServiceError(error: NodeJS.ErrnoException): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return new ServiceError('headers_too_large', 'the request line and headers are too large');
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new ServiceError('request_timeout', 'the request did not arrive in time');
  }
  return new ServiceError('invalid_header', 'this is not an HTTP request');
}

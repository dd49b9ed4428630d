import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../errors.js';
import { GrowingBytes } from './growing-bytes.js';

/**
 * Reads a body whole.
 *
 * @param done called once, with the body or with an error: `body_too_large`, as soon as that is
 *   known, and then what still comes is left unread; or that of a connection that broke
 */
export function readBody(
  body: IncomingMessage,
  maxBytes: number,
  done: (error: Error | null, bytes?: Buffer) => void,
): void {
  const bytes = new GrowingBytes();
  const refuse = () => {
    body.off('data', take).off('end', end).off('error', done).pause();
    done(new ServiceError('body_too_large', `the body has more than ${maxBytes} bytes`));
  };
  const take = (chunk: Buffer) => {
    if (bytes.length + chunk.length > maxBytes) refuse();
    else bytes.push(chunk);
  };
  const end = () => done(null, bytes.take());
  body.on('data', take).once('end', end).once('error', done);
  if (Number(body.headers['content-length'] ?? 0) > maxBytes) refuse();
}

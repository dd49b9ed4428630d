import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../errors.js';
import { GrowingBytes } from './growing-bytes.js';

export interface BodyLimits {
  readonly maxBytes: number;
  /** How long it may take to arrive. Node's own timeout knows only whole servers. */
  readonly timeoutMs: number;
}

/**
 * Reads a body whole.
 *
 * @param done called once, with the body or with an error: `body_too_large`, as soon as that is
 *   known, or `request_timeout`, and then what still comes is left unread; or that of a connection
 *   that broke
 */
export function readBody(
  body: IncomingMessage,
  { maxBytes, timeoutMs }: BodyLimits,
  done: (error: Error | null, bytes?: Buffer) => void,
): void {
  const bytes = new GrowingBytes();
  let isDone = false; // listeners that take themselves away would cost as much as the reading
  const finish = (error: Error | null) => {
    if (isDone) return;
    isDone = true;
    clearTimeout(deadline);
    if (error === null) done(null, bytes.take());
    else done(error);
  };
  const refuse = (error: ServiceError) => {
    body.off('data', take).pause();
    finish(error);
  };
  const refuseLate = () =>
    refuse(new ServiceError('request_timeout', 'the body did not arrive in time'));
  const refuseLarge = () =>
    refuse(new ServiceError('body_too_large', `the body has more than ${maxBytes} bytes`));
  const take = (chunk: Buffer) => {
    if (bytes.length + chunk.length > maxBytes) refuseLarge();
    else bytes.push(chunk);
  };
  const deadline = setTimeout(refuseLate, timeoutMs);
  body
    .on('data', take)
    .on('end', () => finish(null))
    .on('error', finish)
    .on('close', () => finish(broken()));
  if (body.destroyed)
    finish(broken()); // before anybody listened
  else if (Number(body.headers['content-length'] ?? 0) > maxBytes) refuseLarge();
}

function broken(): Error {
  return new Error('the connection broke before the body was whole');
}

import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../errors.js';
import { GrowingBytes } from './growing-bytes.js';

/**
 * Reads a body whole.
 *
 * @throws ServiceError `body_too_large`, as soon as that is known; what still comes is left unread
 */
export function readBody(body: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const bytes = new GrowingBytes();
  return new Promise((resolve, reject) => {
    const refuse = () => {
      body.off('data', take).pause();
      reject(new ServiceError('body_too_large', `the body has more than ${maxBytes} bytes`));
    };
    const take = (chunk: Buffer) => {
      if (bytes.length + chunk.length > maxBytes) refuse();
      else bytes.push(chunk);
    };
    if (Number(body.headers['content-length'] ?? 0) > maxBytes) {
      refuse();
      return;
    }
    body.on('data', take);
    body.once('end', () => resolve(bytes.take()));
    body.once('error', reject);
  });
}

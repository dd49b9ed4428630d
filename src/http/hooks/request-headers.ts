import type { IncomingMessage } from 'node:http';
import type { FastifyReply } from 'fastify';
import { ServiceError } from '../../errors.js';

/**
 * Whether a header occurs more than once. Of some, Node takes the first one and says nothing of
 * the others, which a proxy in front may have taken.
 *
 * @param name in lower case
 */
export function isRepeated(
  { rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>,
  name: string,
): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const other = rawHeaders[index] as string;
    if (other.length === name.length && other.toLowerCase() === name) count += 1;
  }
  return count > 1;
}

/**
 * Why a body is not supported that is in another transfer coding than chunks, which nobody here would
 * undo (RFC 9112, section 6.1); null when nothing is wrong. HTTP/1.0 has no transfer codings: what
 * passes such a body on may not know where it ends.
 */
export function transferCodingError(
  { headers, httpVersion }: IncomingMessage,
  reply: FastifyReply,
): ServiceError | null {
  const codings = headers['transfer-encoding'];
  if (codings === undefined) return null;
  if (httpVersion === '1.0') {
    reply.header('connection', 'close');
    return new ServiceError('invalid_header', 'HTTP/1.0 has no Transfer-Encoding');
  }
  if (codings.toLowerCase() === 'chunked') return null;
  return new ServiceError('not_implemented', 'the only supported transfer coding is chunked');
}

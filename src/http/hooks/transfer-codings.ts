import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../../errors.js';

/**
 * Refuses bodies in another transfer coding than chunks, which nobody here would undo (RFC 9112,
 * section 6.1). HTTP/1.0 has none: what passes it on may not know where such a body ends.
 */
export function refuseTransferCodings(app: FastifyInstance): void {
  app.addHook('onRequest', ({ headers, raw }, reply, done) => {
    const codings = headers['transfer-encoding'];
    if (codings === undefined) return done();
    if (raw.httpVersion === '1.0') {
      reply.header('connection', 'close');
      return done(new ServiceError('invalid_header', 'HTTP/1.0 has no Transfer-Encoding'));
    }
    if (codings.toLowerCase() === 'chunked') return done();
    return done(new ServiceError('not_implemented', 'of all transfer codings, only chunked is'));
  });
}

import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../errors.js';

/** RFC 9112, section 3.2: a request of HTTP/1.1 without `Host` is refused with 400. */
export function requireHost(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers, raw } = request;
    if (headers.host !== undefined || raw.httpVersion === '1.0') done();
    else done(new ServiceError('invalid_header', 'Host is missing'));
  });
}

import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../errors.js';
import { isRepeated } from './repeated-header.js';

/** RFC 9112, section 3.2: a request without `Host`, but for HTTP/1.0, or with several is refused. */
export function requireHost(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers, raw } = request;
    if (headers.host === undefined && raw.httpVersion !== '1.0') done(invalid('Host is missing'));
    else if (isRepeated(raw, 'host')) done(invalid('Host is there more than once'));
    else done();
  });
}

function invalid(message: string): ServiceError {
  return new ServiceError('invalid_header', message);
}

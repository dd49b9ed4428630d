import type { Server } from 'node:http';

/**
 * Takes no notice of what a request expects beside `100-continue` (RFC 9110, section 10.1.1): Node's
 * own refusal is no problem document, and goes past all that guards an answer.
 */
export function ignoreExpectations(server: Server): void {
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

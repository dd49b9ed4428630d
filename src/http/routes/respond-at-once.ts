import type { OutgoingHttpHeader, ServerResponse } from 'node:http';

/**
 * Answers with JSON in one write. Fastify's own way is made for any kind of answer, and its last two
 * pieces leave through a vector of writes.
 *
 * @param head names and values in turn, to which those of the content are added
 * @param json of ASCII alone
 */
export function answerAtOnce(
  response: ServerResponse,
  status: number,
  head: OutgoingHttpHeader[],
  json: string,
): void {
  head.push('content-type', 'application/json; charset=utf-8');
  head.push('content-length', json.length);
  response.writeHead(status, head);
  response.cork(); // lest the end of the response becomes a write of its own
  response.write(json, 'latin1');
  response.uncork();
  response.end();
}

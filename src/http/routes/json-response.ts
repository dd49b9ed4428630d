import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/**
 * The headers of a reply, for `writeHead`: names and values in turn. Of a list, Node makes the head
 * at the least cost, and keeps no copy for as long as the response lasts.
 */
export function headerList(reply: FastifyReply): OutgoingHttpHeader[] {
  const headers = reply.getHeaders() as Record<string, OutgoingHttpHeader>;
  const list: OutgoingHttpHeader[] = [];
  for (const name in headers) list.push(name, headers[name] as OutgoingHttpHeader);
  return list;
}

/**
 * Responds with JSON in one write. Fastify's own way is made for any kind of response, and its last two
 * pieces leave through a vector of writes. Hooks on what is sent (`onSend`) do not run.
 *
 * @param head names and values in turn, to which those of the content are added
 * @param json of ASCII alone
 */
export function respondJson(
  response: ServerResponse,
  status: number,
  head: OutgoingHttpHeader[],
  json: string,
): void {
  head.push('content-type', 'application/json; charset=utf-8', 'content-length', json.length);
  response.writeHead(status, head);
  response.cork(); // lest the end of the response becomes a write of its own
  response.write(json, 'latin1');
  response.uncork();
  response.end();
}

import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/**
 * The headers of a reply, for `writeHead`: names and values in turn. A list is the cheapest
 * form for Node, which keeps no copy of it with the response.
 */
export function headerList(reply: FastifyReply): OutgoingHttpHeader[] {
  const headers = reply.getHeaders() as Record<string, OutgoingHttpHeader>;
  const list: OutgoingHttpHeader[] = [];
  for (const name in headers) list.push(name, headers[name] as OutgoingHttpHeader);
  return list;
}

/**
 * Responds with JSON in one write. Fastify's `send` supports every kind of response, and sends head and
 * body in a vectored write. The hooks `onSend` do not run.
 *
 * @param head names and values in turn, to which the headers of the content are added
 * @param json must be ASCII
 */
export function respondJson(
  response: ServerResponse,
  status: number,
  head: OutgoingHttpHeader[],
  json: string,
): void {
  head.push('content-type', 'application/json; charset=utf-8', 'content-length', json.length);
  response.writeHead(status, head);
  response.cork(); // so that head, body and end are one write
  response.write(json, 'latin1');
  response.uncork();
  response.end();
}

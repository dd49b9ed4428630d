import type { OutgoingHttpHeader } from 'node:http';
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

import type { OutgoingHttpHeader } from 'node:http';
import type { FastifyReply } from 'fastify';

/**
 * Answers with JSON in one write. Fastify's own way is made for any kind of answer, and its last two
 * pieces leave through a vector of writes. The headers that hooks have set are kept; hooks on what is
 * sent are not asked.
 */
export function answerAtOnce(reply: FastifyReply, status: number, json: string): FastifyReply {
  const { raw } = reply;
  const head: OutgoingHttpHeader[] = ['content-type', 'application/json; charset=utf-8'];
  head.push('content-length', Buffer.byteLength(json));
  const headers = reply.getHeaders() as Record<string, OutgoingHttpHeader>;
  for (const name in headers) head.push(name, headers[name] as OutgoingHttpHeader);
  reply.hijack();
  raw.writeHead(status, head); // Node is quickest with a list
  raw.cork(); // lest the end of the response becomes a write of its own
  raw.write(json);
  raw.uncork();
  raw.end();
  return reply;
}

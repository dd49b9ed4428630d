import type { FastifyReply } from 'fastify';
import { headerList } from './header-list.js';

/**
 * Answers with JSON in one write. Fastify's own way is made for any kind of answer, and its last two
 * pieces leave through a vector of writes. The headers that hooks have set are kept; hooks on what is
 * sent are not asked.
 */
export function answerAtOnce(reply: FastifyReply, status: number, json: string): FastifyReply {
  const { raw } = reply;
  const head = headerList(reply);
  head.push('content-type', 'application/json; charset=utf-8');
  head.push('content-length', Buffer.byteLength(json));
  reply.hijack();
  raw.writeHead(status, head);
  raw.cork(); // lest the end of the response becomes a write of its own
  raw.write(json);
  raw.uncork();
  raw.end();
  return reply;
}

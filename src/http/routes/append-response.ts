import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Appended } from '../../store/stream-manager.js';
import { headerList } from './header-list.js';
import { answerAtOnce } from './respond-at-once.js';

/** Answers with the headers that hooks have set; hooks on what is sent are not asked. */
export function sendAppended(reply: FastifyReply, appended: Appended): FastifyReply {
  const head = headerList(reply);
  reply.hijack();
  answerAppended(reply.raw, head, appended);
  return reply;
}

/**
 * 201 with what was stored, or 200 when all of it was stored before.
 *
 * @param head names and values in turn, to which more are added
 */
export function answerAppended(
  response: ServerResponse,
  head: OutgoingHttpHeader[],
  { offset, count, nextOffset }: Appended,
): void {
  head.push('stream-next-offset', nextOffset);
  const numbers = `"offset":${offset},"count":${count},"nextOffset":${nextOffset}`;
  if (count > 0) answerAtOnce(response, 201, head, `{${numbers}}`);
  else answerAtOnce(response, 200, head, `{${numbers},"duplicate":true}`);
}

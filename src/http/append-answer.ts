import type { FastifyReply } from 'fastify';
import type { Appended } from '../streams/stream-manager.js';
import { answerAtOnce } from './answer-at-once.js';

/** 201 with what was stored, or 200 when all of it was stored before. */
export function sendAppended(reply: FastifyReply, appended: Appended): FastifyReply {
  const { offset, count, nextOffset } = appended;
  reply.header('stream-next-offset', nextOffset);
  const numbers = `"offset":${offset},"count":${count},"nextOffset":${nextOffset}`;
  if (count > 0) return answerAtOnce(reply, 201, `{${numbers}}`);
  return answerAtOnce(reply, 200, `{${numbers},"duplicate":true}`);
}

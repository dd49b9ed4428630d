import type { FastifyReply } from 'fastify';
import type { Appended } from '../streams/stream-manager.js';

/** 201 with what was stored, or 200 when all of it was stored before. */
export function sendAppended(reply: FastifyReply, appended: Appended): FastifyReply {
  const { offset, count, nextOffset } = appended;
  reply.header('stream-next-offset', nextOffset);
  if (count > 0) return reply.code(201).send({ offset, count, nextOffset });
  return reply.code(200).send({ offset, count, nextOffset, duplicate: true });
}

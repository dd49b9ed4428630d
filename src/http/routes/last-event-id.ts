import type { FastifyRequest } from 'fastify';
import { type Position, parsePosition, startOfStream } from '../../events/position.js';
import { absentId } from '../../feed/formats/feed-format.js';

/** The position that a client asks to resume from. */
export interface ResumePoint {
  /** The id that the client sent; empty if it sent none, or an invalid one. */
  readonly id: string;
  readonly from: Position | 'now' | 'unknown';
  /** Whether the client was told, by a reset, that the stream does not exist. */
  readonly knowsAbsence: boolean;
}

export const atStart: ResumePoint = { id: '', from: startOfStream, knowsAbsence: false };

/** For an invalid id, which gets a reset: after a 400, an EventSource would give up. */
const unknown: ResumePoint = { id: '', from: 'unknown', knowsAbsence: false };

/** The parts of a request that have the id, even before its query is validated. */
export type ResumeRequest = Pick<FastifyRequest, 'headers' | 'query'>;

export function parseResumePoint(text: string): ResumePoint | null {
  if (text === 'now') return { id: '', from: 'now', knowsAbsence: false };
  const from = parsePosition(text);
  return from === null ? null : { id: text, from, knowsAbsence: text === absentId };
}

/**
 * The id of the last frame that the client saw, from the header or else from the query. Without one, an
 * EventSource sends no header, and some clients an empty one.
 */
export function lastSeen({ headers, query }: ResumeRequest): ResumePoint | null {
  const inQuery = (query as { lastEventId?: unknown }).lastEventId;
  const text = String(headers['last-event-id'] ?? '') || String(inQuery ?? '');
  if (text === '') return null;
  return (text === 'now' ? null : parseResumePoint(text)) ?? unknown;
}

/** Joins repeated ids by a comma, as Node does for the header, which makes them invalid. */
export function joinLastEventIds(
  { query }: ResumeRequest,
  _reply: unknown,
  done: () => void,
): void {
  const given = query as { lastEventId?: unknown };
  if (Array.isArray(given.lastEventId)) given.lastEventId = given.lastEventId.join();
  done();
}

import { crc32 } from 'node:zlib';
import type { StoredBytes } from './event.js';

/**
 * A place in a stream, after `offset` events. `tag` is the CRC-32 of the stored bytes of the event just
 * before it (0 at the start), which distinguishes the stream from an earlier one of the same name. It
 * is null when a client sent a bare offset: then nothing is checked.
 */
export interface Position {
  readonly offset: number;
  readonly tag: number | null;
}

/** The tag at the start: the CRC-32 of nothing is 0. */
const tagAtStart = 0;

export const startOfStream: Position = { offset: 0, tag: tagAtStart };

/** A position as text: `n` or `n-tag`, without leading zeros, n at most 2^53 - 1. */
const positionPattern = /^(0|[1-9][0-9]{0,15})(?:-([0-9a-f]{8}))?$/;

/** Returns null when the text is not a position. */
export function parsePosition(text: string): Position | null {
  const match = positionPattern.exec(text);
  if (match === null) return null;
  const offset = Number(match[1]);
  if (!Number.isSafeInteger(offset)) return null;
  if (match[2] !== undefined) return { offset, tag: Number.parseInt(match[2], 16) };
  return { offset, tag: offset === 0 ? tagAtStart : null };
}

/** The id that clients resume with: `0` at the start, else `<offset>-<tag>`. */
export function formatPosition(offset: number, tag: number): string {
  return offset === 0 ? '0' : `${offset}-${tag.toString(16).padStart(8, '0')}`;
}

/** The tag of the place just after `event`. */
export function tagAfter(event: StoredBytes): number {
  return crc32(event.bytes);
}

/**
 * The tag of the place at `offset`, given the stored event just before it; null when the offset is
 * past the end of the stream.
 */
export function tagAt(offset: number, before: StoredBytes | undefined): number | null {
  if (offset === 0) return tagAtStart;
  return before === undefined ? null : tagAfter(before);
}

/** Whether a client may resume at `position`, where the stream has `tagHere`. */
export function matches(position: Position, tagHere: number | null): boolean {
  return tagHere !== null && (position.tag === null || position.tag === tagHere);
}

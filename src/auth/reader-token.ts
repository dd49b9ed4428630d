import { z } from 'zod';
import { idPattern } from '../store/stream-id.js';

/** What a token may be good for: to read, and also to stop. */
export const readerRights = ['read', 'stop'] as const;

export type ReaderRight = (typeof readerRights)[number];

/** Who holds a token that was found good. */
export interface Reader {
  readonly sessionId: string;
  /** Null for all streams of the session, and the list of them. */
  readonly messageId: string | null;
  readonly rights: ReadonlySet<ReaderRight>;
  /** From when on the token is no longer good, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/** The cookie that may bring a token, unless the settings name another one. */
export const usualTokenCookie = 'rejoin_token';

/** By how many seconds the clock of whoever signs tokens may differ from ours. */
export const clockToleranceSeconds = 5;

/** By which claims a token says what it is for. */
export interface ClaimNames {
  readonly sid: string;
  readonly mid: string;
  readonly scope: string;
}

export const usualClaimNames: ClaimNames = { sid: 'sid', mid: 'mid', scope: 'scope' };

const id = z.string().regex(idPattern);

/**
 * Words with spaces between (RFC 8693, section 4.2), or a list of them, as some providers have it. Those
 * that mean nothing here are left to whom they mean something.
 */
const scope = z
  .union([z.string().transform((text) => text.split(' ')), z.array(z.unknown())])
  .transform((words) => new Set(readerRights.filter((right) => words.includes(right))))
  .refine((rights) => rights.has('read'));

const claimsSchema = z.object({
  sid: id,
  mid: id.optional(),
  scope,
  exp: z.number(), // JSON has 1e999, which would never be over; this takes finite ones only
});

/** @returns what the claims of a token say, or the name of the first one that is bad */
export function toReader(
  claims: Readonly<Record<string, unknown>>,
  names: ClaimNames = usualClaimNames,
): Reader | string {
  const { data, error } = claimsSchema.safeParse({
    sid: claimAt(claims, names.sid),
    mid: claimAt(claims, names.mid),
    scope: claimAt(claims, names.scope),
    exp: claims.exp,
  });
  if (data === undefined) {
    const bad = error.issues[0]?.path[0] as keyof ClaimNames | 'exp';
    return bad === 'exp' ? bad : names[bad];
  }
  return {
    sessionId: data.sid,
    messageId: data.mid ?? null,
    rights: data.scope,
    expiresAt: (Math.ceil(data.exp) + clockToleranceSeconds) * 1000,
  };
}

/** The claim of this name, which may be a URL, or else what its parts lead to, one within another. */
function claimAt(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part))
      return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

/** Which stream a request is about, as its path says, unchecked. */
export interface Place {
  readonly sid?: string;
  readonly mid?: string;
}

/** Whether this reader may do that there. Nobody may anything where no session is named. */
export function mayDo(reader: Reader, right: ReaderRight, { sid, mid }: Place): boolean {
  const isInScope =
    sid === reader.sessionId && (reader.messageId === null || mid === reader.messageId);
  return isInScope && reader.rights.has(right);
}

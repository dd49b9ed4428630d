import { SignJWT } from 'jose';
import { z } from 'zod';
import { idPattern } from '../store/stream-manager.js';

/** What a token may allow: to read, and also to stop a stream or to send it inputs. */
const readerRights = ['read', 'stop', 'input'] as const;

export type ReaderRight = (typeof readerRights)[number];

/** The claims of a valid reader token. */
export interface Reader {
  readonly sessionId: string;
  /** Null allows all streams of the session, and the list of them. */
  readonly messageId: string | null;
  readonly rights: ReadonlySet<ReaderRight>;
  /** Whose token it is, by its claim `sub`: the author of the inputs that come with it. Null without one. */
  readonly subject: string | null;
  /** When the token expires, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Which tokens are accepted. */
export interface ReaderTokenOptions {
  /** Secrets for HS256, each of at least 32 bytes; several while one replaces another. */
  readonly secrets: readonly string[];
  /** A public key in PEM. */
  readonly publicKey: string | null;
  readonly jwksUrl: string | null;
  /** The required `iss` and `aud`; null for any. */
  readonly issuer: string | null;
  readonly audience: string | null;
  /** The name of the cookie that may have a token. */
  readonly cookie: string;
  readonly claims: ClaimNames;
}

/** The default name of the cookie that may have a token. */
export const defaultTokenCookie = 'rejoin_token';

/** The claims that hold the session, the message and the rights of a token. */
export interface ClaimNames {
  readonly sid: string;
  readonly mid: string;
  readonly scope: string;
}

export const defaultClaimNames: ClaimNames = { sid: 'sid', mid: 'mid', scope: 'scope' };

/** Max difference between the clock of the issuer of tokens and ours, in seconds. */
export const clockToleranceSeconds = 5;

const id = z.string().regex(idPattern);

/**
 * Space-separated words (RFC 8693, section 4.2), or a list of them, as some providers have it. Unknown
 * words are ignored, as they are meant for other services.
 */
const scope = z
  .union([z.string().transform((text) => text.split(' ')), z.array(z.unknown())])
  .transform((words) => new Set(readerRights.filter((right) => words.includes(right))))
  .refine((rights) => rights.has('read'));

const claimsSchema = z.object({
  sid: id,
  mid: id.optional(),
  scope,
  exp: z.number(), // JSON has 1e999, which would never expire; this accepts finite ones only
});

/** @returns the reader that the claims of a token describe, or the name of the first invalid claim */
export function toReader(
  claims: Readonly<Record<string, unknown>>,
  names: ClaimNames = defaultClaimNames,
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
    subject: typeof claims.sub === 'string' ? claims.sub : null,
    expiresAt: (Math.ceil(data.exp) + clockToleranceSeconds) * 1000,
  };
}

/** The claim of this name, which may be a URL; else the nested one that the dots in the name lead to. */
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

/** The rights of a new token. */
export interface ReaderGrant {
  readonly sessionId: string;
  /** Null allows all streams of the session. */
  readonly messageId: string | null;
  readonly mayStop: boolean;
  readonly mayInput: boolean;
  readonly subject: string | null;
  readonly lifeSeconds: number;
}

/** Signs a token, as the back end of an application does. @param secret for HS256 */
export function createReaderToken(
  { sessionId, messageId, mayStop, mayInput, subject, lifeSeconds }: ReaderGrant,
  secret: string,
  { issuer, audience, claims: names }: Pick<ReaderTokenOptions, 'issuer' | 'audience' | 'claims'>,
): Promise<string> {
  const claims = {
    ...(subject !== null && { sub: subject }),
    [names.sid]: sessionId,
    ...(messageId !== null && { [names.mid]: messageId }),
    [names.scope]: `read${mayStop ? ' stop' : ''}${mayInput ? ' input' : ''}`,
    ...(issuer !== null && { iss: issuer }),
    ...(audience !== null && { aud: audience }),
    exp: Math.floor(Date.now() / 1000) + lifeSeconds,
  };
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(secret));
}

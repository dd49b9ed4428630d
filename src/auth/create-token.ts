import { SignJWT } from 'jose';
import type { ReaderTokenOptions } from './token-verifier.js';

export interface ReaderGrant {
  readonly sessionId: string;
  /** Null for all streams of the session. */
  readonly messageId: string | null;
  readonly mayStop: boolean;
  readonly lifeSeconds: number;
}

/** Signs a token as the back end of an application does. @param secret for HS256 */
export function mintToken(
  { sessionId, messageId, mayStop, lifeSeconds }: ReaderGrant,
  secret: string,
  { issuer, audience, claims: names }: Pick<ReaderTokenOptions, 'issuer' | 'audience' | 'claims'>,
): Promise<string> {
  const claims = {
    [names.sid]: sessionId,
    ...(messageId !== null && { [names.mid]: messageId }),
    [names.scope]: mayStop ? 'read stop' : 'read',
    ...(issuer !== null && { iss: issuer }),
    ...(audience !== null && { aud: audience }),
    exp: Math.floor(Date.now() / 1000) + lifeSeconds,
  };
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(secret));
}

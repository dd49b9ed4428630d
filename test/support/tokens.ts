import { type KeyObject, randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { defaultClaimNames, type ReaderTokenOptions } from '../../src/auth/reader-tokens.js';

export const secret = randomBytes(32).toString('hex');

/** The settings of a service that takes tokens which are signed with this secret. */
export function readerOptions(options: Partial<ReaderTokenOptions> = {}): ReaderTokenOptions {
  return {
    secrets: [secret],
    publicKey: null,
    jwksUrl: null,
    issuer: null,
    audience: null,
    cookie: 'rejoin_token',
    claims: defaultClaimNames,
    ...options,
  };
}

export interface Signing {
  readonly key?: string | Uint8Array | KeyObject;
  readonly alg?: string;
  readonly kid?: string;
}

/** Signs claims as a back end does. Without `exp`, they are good for a minute. */
export function sign(
  claims: Readonly<Record<string, unknown>>,
  { key = secret, alg = 'HS256', kid }: Signing = {},
) {
  const exp = secondsFromNow(60);
  return new SignJWT({ exp, ...claims })
    .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
    .sign(typeof key === 'string' ? Buffer.from(key) : key);
}

export function secondsFromNow(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

/** A token that nothing was checked of, with any signature. */
export function forge(header: object, claims: object, signature = ''): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claims)}.${signature}`;
}

/** Where a request may bring a token. */
export const places = ['header', 'cookie', 'query'] as const;

export type TokenPlace = (typeof places)[number];

/** What a request has to have to bring the token there. */
export function bring(
  token: string,
  place: TokenPlace,
): { readonly headers: Record<string, string>; readonly query: string } {
  if (place === 'query') return { headers: {}, query: `?token=${token}` };
  if (place === 'cookie') return { headers: { cookie: `rejoin_token=${token}` }, query: '' };
  return { headers: { authorization: `Bearer ${token}` }, query: '' };
}

import type { FastifyRequest } from 'fastify';
import { isRepeated } from './request-headers.js';

/** What a request says of who sends it, and where. */
export interface Credential {
  readonly place: 'header' | 'cookie' | 'query';
  readonly text: string;
}

/** RFC 6750; two dots make a JWT, where a key has one. */
const bearerTokenPattern = /^Bearer +([^. ]*\.[^. ]*\.[^. ]*)$/i;

/**
 * The first of `Authorization`, the cookie of this name and `?token=` (an EventSource can set no
 * header). It alone counts: an invalid one is not replaced by another. Several tokens in one place
 * are none that anybody can read.
 *
 * @param cookieName null when no tokens are taken, which leaves `Authorization` alone
 */
export function findCredential(
  { headers, query, raw }: FastifyRequest,
  cookieName: string | null,
): Credential | null {
  const { authorization, cookie = '' } = headers;
  if (authorization !== undefined) {
    return { place: 'header', text: isRepeated(raw, 'authorization') ? '' : authorization };
  }
  if (cookieName === null) return null;
  const cookies = valuesOf(cookie, cookieName);
  if (cookies.length > 0) return { place: 'cookie', text: cookies.join(' ') };
  const { token = '' } = query as { readonly token?: string | readonly string[] };
  return token === '' ? null : { place: 'query', text: [token].flat().join(' ') };
}

/** The token in it; null when it is a key, or anything else. */
export function tokenIn({ place, text }: Credential): string | null {
  if (place !== 'header') return text;
  return bearerTokenPattern.exec(text)?.[1] ?? null;
}

/** The header `Cookie` (RFC 6265, section 4.2.1). A token needs no decoding. */
function valuesOf(header: string, name: string): string[] {
  const pairs = header.split(';').map((pair) => pair.trim());
  return pairs
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
    .filter((value) => value !== '');
}

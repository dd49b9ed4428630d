import { createHash, randomBytes } from 'node:crypto';

/** What a key may be good for. */
export const scopes = ['append', 'read', 'admin'] as const;

export type Scope = (typeof scopes)[number];

/** A key as the service knows it: not the secret, only its digest. */
export interface ApiKey {
  readonly id: string;
  /** SHA-256 of the secret, as 64 hex digits. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
}

/** No `.`, which ends the id in a token, and no `:` or `,`, which stand between keys as text. */
export const keyIdPattern = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * A plain SHA-256 keeps a secret only if nobody can guess it, so secrets are made here and not
 * chosen by people.
 */
const secretBytes = 32;

/** @returns the token that the producer sends, which is nowhere else, and the key to configure */
export function makeProducerKey(
  id: string,
  keyScopes: readonly Scope[],
): { readonly token: string; readonly key: ApiKey } {
  const secret = randomBytes(secretBytes).toString('base64url');
  const key = { id, sha256: sha256Of(secret).toString('hex'), scopes: keyScopes };
  return { token: `${id}.${secret}`, key };
}

export function sha256Of(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** `id:sha256:scope+scope`, as it stands in the environment. */
export function formatProducerKey(key: ApiKey): string {
  return `${key.id}:${key.sha256}:${key.scopes.join('+')}`;
}

/** Takes a key as text apart, and checks nothing. What is too much is left in the scopes. */
export function splitProducerKey(text: string): Record<keyof ApiKey, unknown> {
  const [id, sha256, ...rest] = text.split(':');
  return { id, sha256, scopes: rest.join(':').split('+') };
}

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a key may allow. */
export const scopes = ['append', 'read', 'input', 'admin'] as const;

export type Scope = (typeof scopes)[number];

/** An API key as the service stores it: with the digest of its secret. */
export interface ApiKey {
  readonly id: string;
  /** SHA-256 of the secret, as 64 hex digits. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
}

/** No `.`, which ends the id in a token, and no `:` or `,`, which separate keys as text. */
export const keyIdPattern = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * A plain SHA-256 keeps a secret only if nobody can guess it, so secrets are generated and not
 * chosen by people.
 */
const secretBytes = 32;

/** @returns the token that the client sends, which is stored nowhere, and the key to configure */
export function createApiKey(
  id: string,
  keyScopes: readonly Scope[],
): { readonly token: string; readonly key: ApiKey } {
  const secret = randomBytes(secretBytes).toString('base64url');
  const key = { id, sha256: sha256Of(secret).toString('hex'), scopes: keyScopes };
  return { token: `${id}.${secret}`, key };
}

function sha256Of(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** `id:sha256:scope+scope`, as it stands in the environment. */
export function formatApiKey(key: ApiKey): string {
  return `${key.id}:${key.sha256}:${key.scopes.join('+')}`;
}

/** Splits the text of a key without checking it. Surplus parts stay in the scopes. */
export function splitApiKey(text: string): Record<keyof ApiKey, unknown> {
  const [id, sha256, ...rest] = text.split(':');
  return { id, sha256, scopes: rest.join(':').split('+') };
}

/** RFC 6750, with the id and the secret of a key. A shorter secret could be guessed. */
const bearerPattern = /^Bearer +([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{32,128})$/i;

/** The digest that an unknown id is compared with, so that it takes as long as a wrong secret. */
const noDigest = Buffer.alloc(32);

/** The keys that are valid now; several while one replaces another. */
export class KeyRing {
  readonly #keys: ReadonlyMap<string, { readonly key: ApiKey; readonly digest: Buffer }>;

  constructor(keys: readonly ApiKey[]) {
    this.#keys = new Map(
      keys.map((key) => [key.id, { key, digest: Buffer.from(key.sha256, 'hex') }]),
    );
  }

  /** The key whose secret this `Authorization` header has, or null. */
  find(authorization: string): ApiKey | null {
    const match = bearerPattern.exec(authorization);
    if (match === null) return null;
    const [, id, secret] = match as unknown as [string, string, string];
    const known = this.#keys.get(id);
    const isRight = timingSafeEqual(sha256Of(secret), known?.digest ?? noDigest);
    return known !== undefined && isRight ? known.key : null;
  }
}

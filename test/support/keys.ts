import { type ApiKey, createApiKey, type Scope } from '../../src/auth/api-keys.js';

/** A key as the service knows it, and the header with which a producer uses it. */
export interface TestKey {
  readonly key: ApiKey;
  readonly token: string;
  readonly headers: { readonly authorization: string };
}

let keyCount = 0;

export function makeKey(...scopes: Scope[]): TestKey {
  keyCount += 1;
  const { key, token } = createApiKey(`key-${keyCount}`, scopes);
  return { key, token, headers: { authorization: `Bearer ${token}` } };
}

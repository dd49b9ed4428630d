import type { KeyObject } from 'node:crypto';

const rsa = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

/** Both are names of the same; the first is the older one. */
const ed25519 = ['EdDSA', 'Ed25519'];

const ecdsa: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
};

/** Less than this can be factored. */
const leastRsaBits = 2048;

/** What a provider's keys may be for: any signature by a public key, and never an HMAC. */
export const remoteAlgorithms: readonly string[] = [
  ...rsa,
  ...Object.values(ecdsa).flat(),
  ...ed25519,
];

/** The algorithms that a public key is good for, or null. */
export function publicKeyAlgorithms(key: KeyObject): readonly string[] | null {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') return modulusLength < leastRsaBits ? null : rsa;
  if (key.asymmetricKeyType === 'ed25519') return ed25519;
  return ecdsa[namedCurve] ?? null;
}

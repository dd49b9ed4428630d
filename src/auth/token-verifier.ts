import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { decodeProtectedHeader, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { BaseLogger } from 'pino';
import { ServiceError } from '../errors.js';
import {
  clockToleranceSeconds,
  type Reader,
  type ReaderTokenOptions,
  toReader,
} from './reader-tokens.js';
import { RemoteKeys, type RemoteKeysTimes } from './remote-keys.js';

const rsa = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

/** Two names of the same algorithm, the older one first. */
const ed25519 = ['EdDSA', 'Ed25519'];

const ecdsa: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
};

/** Min length of RSA keys: shorter ones can be factored. */
const minRsaBits = 2048;

/** The algorithms of a provider's keys: all signatures by public keys, and no HMAC. */
const remoteAlgorithms: readonly string[] = [...rsa, ...Object.values(ecdsa).flat(), ...ed25519];

/** The algorithms of a public key, or null when none is safe. */
export function publicKeyAlgorithms(key: KeyObject): readonly string[] | null {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') return modulusLength < minRsaBits ? null : rsa;
  if (key.asymmetricKeyType === 'ed25519') return ed25519;
  return ecdsa[namedCurve] ?? null;
}

/**
 * Keys and their algorithms. A token names its own algorithm, so a public key must never be used as
 * the secret of an HMAC (RFC 8725, section 2.1).
 */
interface KeySource {
  readonly algorithms: readonly string[];
  readonly key: KeyObject | JWTVerifyGetKey;
}

/** Verifies reader tokens. */
export class TokenVerifier {
  readonly #sources: readonly KeySource[];

  constructor(
    readonly options: ReaderTokenOptions,
    logger: BaseLogger,
    times?: RemoteKeysTimes,
  ) {
    const { secrets, publicKey, jwksUrl } = options;
    this.#sources = [
      ...secrets.map((secret) => ({
        algorithms: ['HS256'],
        key: createSecretKey(Buffer.from(secret)),
      })),
      ...(publicKey === null ? [] : [toSource(createPublicKey(publicKey))]),
      ...(jwksUrl === null
        ? []
        : [{ algorithms: remoteAlgorithms, key: new RemoteKeys(jwksUrl, logger, times).find }]),
    ];
  }

  /** @throws ServiceError `unauthorized`, or `backend_unavailable` while the keys are unavailable */
  async verify(token: string): Promise<Reader> {
    const algorithm = algorithmOf(token);
    const sources = this.#sources.filter(({ algorithms }) => algorithms.includes(algorithm));
    let rejection = reject('it is signed in a way that is not supported here');
    for (const source of sources) {
      try {
        return await this.#verifyBy(source, token);
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw toServiceError(error);
        rejection = toServiceError(error); // another secret may match
      }
    }
    throw rejection;
  }

  async #verifyBy({ algorithms, key }: KeySource, token: string): Promise<Reader> {
    const { issuer, audience, claims } = this.options;
    const { payload } = await jwtVerify(token, key, {
      algorithms: [...algorithms],
      requiredClaims: ['exp'],
      clockTolerance: clockToleranceSeconds,
      ...(issuer !== null && { issuer }),
      ...(audience !== null && { audience }),
    });
    const reader = toReader(payload, claims);
    if (typeof reader === 'string') throw reject(`its claim ${reader} is missing or malformed`);
    return reader;
  }
}

function toSource(key: KeyObject): KeySource {
  return { algorithms: publicKeyAlgorithms(key) ?? [], key };
}

function algorithmOf(token: string): string {
  try {
    return String(decodeProtectedHeader(token).alg);
  } catch {
    throw reject(unreadable); // jose gives no further reason
  }
}

const unreadable = 'it is not a JWT that can be read';

function reject(reason: string): ServiceError {
  return new ServiceError('unauthorized', `the token is rejected: ${reason}`);
}

function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof errors.JWTExpired) return reject('it has expired');
  if (error instanceof errors.JWTClaimValidationFailed) return reject(reasonOf(error));
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return reject('its signature is invalid');
  }
  if (error instanceof errors.JWKSNoMatchingKey) return reject('its key is unknown here');
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return reject('it does not say by which key (kid) it is signed');
  }
  return reject(unreadable);
}

function reasonOf({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (reason === 'check_failed' && claim === 'nbf') return 'it is not valid yet';
  if (reason === 'check_failed') return `its claim ${claim} is not the expected one`;
  return `its claim ${claim} is missing or malformed`;
}

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

/** Both are names of the same algorithm; the first is the older one. */
const ed25519 = ['EdDSA', 'Ed25519'];

const ecdsa: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
};

/** A shorter RSA key than this can be factored. */
const minRsaBits = 2048;

/** The algorithms of a provider's keys: any signature by a public key, and never an HMAC. */
const remoteAlgorithms: readonly string[] = [...rsa, ...Object.values(ecdsa).flat(), ...ed25519];

/** The algorithms that a public key is for, or null when it is for none that is safe. */
export function publicKeyAlgorithms(key: KeyObject): readonly string[] | null {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') return modulusLength < minRsaBits ? null : rsa;
  if (key.asymmetricKeyType === 'ed25519') return ed25519;
  return ecdsa[namedCurve] ?? null;
}

/**
 * Keys, and the algorithms that they are for. A token names its algorithm itself, so a public key
 * must never be taken for the secret of an HMAC (RFC 8725, section 2.1).
 */
interface KeySource {
  readonly algorithms: readonly string[];
  readonly key: KeyObject | JWTVerifyGetKey;
}

/** Finds out whether a token is valid, and what it allows. */
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
        rejection = toServiceError(error); // another secret may fit
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
    throw reject(unreadable); // jose says no more than that
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

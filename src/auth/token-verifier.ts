import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { decodeProtectedHeader, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { BaseLogger } from 'pino';
import { ServiceError } from '../errors.js';
import { publicKeyAlgorithms, remoteAlgorithms } from './key-algorithms.js';
import { type ClaimNames, clockToleranceSeconds, type Reader, toReader } from './reader-token.js';
import { RemoteKeys, type RemoteKeysTimes } from './remote-keys.js';

/** Whose tokens are taken. */
export interface ReaderTokenOptions {
  /** For HS256, each of at least 32 bytes. Several while one takes over from another. */
  readonly secrets: readonly string[];
  /** PEM. */
  readonly publicKey: string | null;
  readonly jwksUrl: string | null;
  /** What `iss` and `aud` have to name, if anything. */
  readonly issuer: string | null;
  readonly audience: string | null;
  /** The name of the cookie that may bring a token. */
  readonly cookie: string;
  readonly claims: ClaimNames;
}

/**
 * Keys, and the algorithms that they are for. A token names its algorithm itself, so a public key
 * must never be taken for the secret of an HMAC (RFC 8725, section 2.1).
 */
interface KeySource {
  readonly algorithms: readonly string[];
  readonly key: KeyObject | JWTVerifyGetKey;
}

/** Finds out whether a token is good, and for what. */
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

  /** @throws ServiceError `unauthorized`, or `backend_unavailable` when nobody can say now */
  async verify(token: string): Promise<Reader> {
    const algorithm = algorithmOf(token);
    const sources = this.#sources.filter(({ algorithms }) => algorithms.includes(algorithm));
    let refusal = refuse('it is signed in a way that is not taken here');
    for (const source of sources) {
      try {
        return await this.#verifyBy(source, token);
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw toServiceError(error);
        refusal = toServiceError(error); // another secret may fit
      }
    }
    throw refusal;
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
    if (typeof reader === 'string') throw refuse(`its claim ${reader} is missing or malformed`);
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
    throw refuse(unreadable); // jose says no more than that
  }
}

const unreadable = 'it is not a JWT that can be read';

function refuse(what: string): ServiceError {
  return new ServiceError('unauthorized', `the token is not taken: ${what}`);
}

function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof errors.JWTExpired) return refuse('it has expired');
  if (error instanceof errors.JWTClaimValidationFailed) return refuse(toReason(error));
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return refuse('its signature is not right');
  }
  if (error instanceof errors.JWKSNoMatchingKey) return refuse('its key is not known here');
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return refuse('it does not say by which key (kid) it is signed');
  }
  return refuse(unreadable);
}

function toReason({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (reason === 'check_failed' && claim === 'nbf') return 'it is not good yet';
  if (reason === 'check_failed') return `its claim ${claim} is not the one that is asked for here`;
  return `its claim ${claim} is missing or malformed`;
}

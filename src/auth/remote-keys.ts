import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import type { BaseLogger } from 'pino';
import { ServiceError, toLogFields } from '../errors.js';

export interface RemoteKeysTimes {
  /** How long the provider may take to answer. */
  readonly timeoutMs: number;
  /** The provider is asked no more often, whatever it answers and whatever keys tokens name. */
  readonly coolDownMs: number;
  /** Keys that are older than this are asked for again, while they are used. */
  readonly refreshMs: number;
  /** Keys that are older than this are not used any more. */
  readonly maxAgeMs: number;
}

const defaultTimes: RemoteKeysTimes = {
  timeoutMs: 3000,
  coolDownMs: 10_000,
  refreshMs: 600_000,
  maxAgeMs: 3_600_000,
};

const askedJustNow = new errors.JOSEError('the provider was asked just now');

/** The public keys of an identity provider, a JSON Web Key Set, asked for when they are needed. */
export class RemoteKeys {
  readonly #set: ReturnType<typeof createRemoteJWKSet>;
  #askedAt = Number.NEGATIVE_INFINITY;
  #lastFailure: unknown = null;

  constructor(
    url: string,
    readonly logger: BaseLogger,
    readonly times: RemoteKeysTimes = defaultTimes,
  ) {
    this.#set = createRemoteJWKSet(new URL(url), {
      timeoutDuration: times.timeoutMs,
      cacheMaxAge: times.maxAgeMs,
      cooldownDuration: 0, // it would count from successes only; ours counts from attempts
      [customFetch]: (...request) => this.#fetch(...request),
    });
  }

  /**
   * Finds the key that a token names.
   *
   * @throws JWKSNoMatchingKey, JWKSMultipleMatchingKeys of a token that names none, or not one
   * @throws ServiceError `backend_unavailable` when nobody can say now: also of an unknown key right
   *   after the provider was asked, as it may be a new one, and a 401 ends an EventSource for good
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    this.#refresh();
    try {
      return await this.#set(header, token);
    } catch (error) {
      if (isOfToken(error)) throw error;
      this.#noteFailure(error);
      const reason = 'the keys that tokens are signed with cannot be had at the moment';
      throw new ServiceError('backend_unavailable', reason, { stored: 0 });
    }
  };

  /** In the background, as the keys that are there are good for a while. */
  #refresh(): void {
    const isDue = performance.now() - this.#askedAt > this.times.refreshMs;
    if (isDue && this.#set.fresh) this.#set.reload().catch((error) => this.#noteFailure(error));
  }

  async #fetch(url: string, options: RequestInit): Promise<Response> {
    const now = performance.now();
    if (now - this.#askedAt < this.times.coolDownMs) throw askedJustNow;
    this.#askedAt = now;
    return fetch(url, options);
  }

  /** Once for each attempt, however many requests waited for it. */
  #noteFailure(error: unknown): void {
    if (error === askedJustNow || error === this.#lastFailure) return;
    this.#lastFailure = error;
    this.logger.error(toLogFields(error), 'The keys of tokens could not be had');
  }
}

function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys
  );
}

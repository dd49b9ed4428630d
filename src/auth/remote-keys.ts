import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import type { BaseLogger } from 'pino';
import { ServiceError, toLogFields } from '../errors.js';

export interface RemoteKeysTimes {
  /** How long the provider may take to respond. */
  readonly timeoutMs: number;
  /** Min time between two requests to the provider, however it responds and whatever keys tokens name. */
  readonly coolDownMs: number;
  /** Keys that are older than this are fetched again, while they are used. */
  readonly refreshMs: number;
  /** Keys that are older than this are no longer used. */
  readonly maxAgeMs: number;
}

const defaultTimes: RemoteKeysTimes = {
  timeoutMs: 3000,
  coolDownMs: 10_000,
  refreshMs: 600_000,
  maxAgeMs: 3_600_000,
};

const coolingDown = new errors.JOSEError('the keys were requested just now');

/** The public keys of an identity provider, a JSON Web Key Set, fetched when they are needed. */
export class RemoteKeys {
  readonly #set: ReturnType<typeof createRemoteJWKSet>;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #lastFailure: unknown = null;

  constructor(
    url: string,
    readonly logger: BaseLogger,
    readonly times: RemoteKeysTimes = defaultTimes,
  ) {
    this.#set = createRemoteJWKSet(new URL(url), {
      timeoutDuration: times.timeoutMs,
      cacheMaxAge: times.maxAgeMs,
      cooldownDuration: 0, // jose counts from successes only; `#fetch` counts from attempts
      [customFetch]: (...request) => this.#fetch(...request),
    });
  }

  /**
   * Finds the key that a token names.
   *
   * @throws JWKSNoMatchingKey, JWKSMultipleMatchingKeys of a token that names none, or several
   * @throws ServiceError `backend_unavailable` while that is unknown: also for an unknown key during
   *   the cool-down, as it may be a new one, and a 401 ends an EventSource for good
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    this.#refresh();
    try {
      return await this.#set(header, token);
    } catch (error) {
      if (isOfToken(error)) throw error;
      this.#logFailure(error);
      const reason = 'the keys of reader tokens could not be fetched';
      throw new ServiceError('backend_unavailable', reason, { stored: 0 });
    }
  };

  /** In the background, as the present keys stay valid for a while. */
  #refresh(): void {
    const isDue = performance.now() - this.#fetchedAt > this.times.refreshMs;
    if (isDue && this.#set.fresh) this.#set.reload().catch((error) => this.#logFailure(error));
  }

  async #fetch(url: string, options: RequestInit): Promise<Response> {
    const now = performance.now();
    if (now - this.#fetchedAt < this.times.coolDownMs) throw coolingDown;
    this.#fetchedAt = now;
    return fetch(url, options);
  }

  /** Once for each attempt, however many requests waited for it. */
  #logFailure(error: unknown): void {
    if (error === coolingDown || error === this.#lastFailure) return;
    this.#lastFailure = error;
    this.logger.error(toLogFields(error), 'The keys of reader tokens could not be fetched');
  }
}

function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys
  );
}

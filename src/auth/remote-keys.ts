import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import type { BaseLogger } from 'pino';
import { ServiceError, toLogFields } from '../errors.js';

const defaultTimes = {
  /** How long the provider may take to respond. */
  timeoutMs: 3000,
  /** Min time between two requests to the provider, whatever it responds and whichever keys tokens name. */
  coolDownMs: 10_000,
  /** Age at which the keys are fetched again, in the background. */
  refreshMs: 600_000,
  /** Age at which the keys are no longer used. */
  maxAgeMs: 3_600_000,
};

export type RemoteKeysTimes = Readonly<typeof defaultTimes>;

const coolingDown = new errors.JOSEError('the keys were requested just now');

/** The public keys of an identity provider (a JSON Web Key Set), fetched on demand. */
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
   * @throws JWKSNoMatchingKey, JWKSMultipleMatchingKeys when the token names no key, or several match
   * @throws ServiceError `backend_unavailable` while the keys are unavailable, and for an unknown key
   *   during the cool-down: it may be a new one, and a 401 ends an EventSource for good
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

  /** Fetches the keys in the background: the present ones stay valid for a while. */
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

  /** Logs a failed fetch once, however many requests waited for it. */
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

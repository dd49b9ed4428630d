import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Access, type AccessRule, accessRules } from '../access/access-rules.js';
import { KeyRing } from '../access/key-ring.js';
import type { ProducerKey } from '../access/producer-key.js';
import { mayDo, type Place, type Reader } from '../access/reader-token.js';
import type { TokenVerifier } from '../access/token-verifier.js';
import { ServiceError } from '../errors.js';
import { type Credential, findCredential, tokenIn } from './credentials.js';
import { refuseBlindCookie } from './cross-site.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route says it: `requireAccess` takes no other. */
    access?: Access;
  }
  interface FastifyRequest {
    /** When whoever asks is no longer allowed to, on the clock of `performance.now()`. */
    accessEndsAt: number;
  }
}

export interface AccessOptions {
  /** Without any, whatever takes no token is open. */
  readonly keys: readonly ProducerKey[];
  /** Null when no tokens are taken. */
  readonly verifier: TokenVerifier | null;
  /** Whose pages may stop a stream by a cookie, beside the service's own. */
  readonly origins: readonly string[];
}

/**
 * Guards all routes that are registered afterwards, each as it says itself. Without keys and tokens
 * everything is open, but a route must say it all the same.
 */
export function requireAccess(app: FastifyInstance, options: AccessOptions): void {
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.access === undefined) {
      throw new Error(`${method} ${url} does not say who may use it (config.access)`);
    }
  });
  app.decorateRequest('accessEndsAt', Number.POSITIVE_INFINITY);
  if (options.keys.length === 0 && options.verifier === null) return;
  const guard = new Guard(options);
  // Before the body is read: a stranger's is none of our business.
  app.addHook('onRequest', async (request, reply) => {
    try {
      await guard.check(request);
    } catch (error) {
      const isUnknown = error instanceof ServiceError && error.code === 'unauthorized';
      if (isUnknown) reply.header('www-authenticate', 'Bearer');
      throw error;
    }
  });
}

class Guard {
  readonly #ring: KeyRing;

  constructor(readonly options: AccessOptions) {
    this.#ring = new KeyRing(options.keys);
  }

  /** @throws ServiceError `unauthorized`, `forbidden`, `backend_unavailable` */
  async check(request: FastifyRequest): Promise<void> {
    const { access } = request.routeOptions.config;
    if (request.is404 || access === 'public') return;
    const rule = access === undefined ? null : accessRules[access];
    if (rule !== null && !this.#isAskedFor(rule)) return;
    const credential = this.#findCredential(request);
    const token = this.options.verifier === null ? null : tokenIn(credential);
    if (token === null) return this.#checkKey(rule, credential.text);
    await this.#checkToken(rule, token, credential, request);
  }

  /** Where there are no keys, nobody could have one. */
  #isAskedFor({ right }: AccessRule): boolean {
    return this.options.keys.length > 0 || right !== null;
  }

  #findCredential(request: FastifyRequest): Credential {
    const { verifier } = this.options;
    const found = findCredential(request, verifier?.options.cookie ?? null);
    if (found !== null) return found;
    const key = 'a key: Authorization: Bearer <key id>.<secret>';
    throw new ServiceError(
      'unauthorized',
      `this route needs ${verifier === null ? key : `a token, or ${key}`}`,
    );
  }

  #checkKey(rule: AccessRule | null, authorization: string): void {
    const key = this.#ring.find(authorization);
    if (key === null) {
      const what = this.options.verifier === null ? 'a key' : 'a token, nor a key';
      throw new ServiceError(
        'unauthorized',
        `Authorization does not hold ${what} that is known here`,
      );
    }
    if (rule !== null && key.scopes.includes(rule.scope)) return;
    throw new ServiceError('forbidden', `the key lacks the scope ${rule?.scope}`);
  }

  async #checkToken(
    rule: AccessRule | null,
    token: string,
    { place }: Credential,
    request: FastifyRequest,
  ): Promise<void> {
    const reader = await (this.options.verifier as TokenVerifier).verify(token);
    refuseOutOfScope(reader, rule, request.params as Place);
    if (place === 'cookie') refuseBlindCookie(request, this.options.origins);
    request.accessEndsAt = performance.now() + reader.expiresAt - Date.now();
  }
}

function refuseOutOfScope(reader: Reader, rule: AccessRule | null, place: Place): void {
  const right = rule?.right ?? null;
  if (right !== null && mayDo(reader, right, place)) return;
  throw new ServiceError('forbidden', 'the token is not for this');
}

import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  type Access,
  type AccessRule,
  accessRules,
  closed,
  mayDo,
  type Place,
} from '../../auth/access-rules.js';
import { type ApiKey, KeyRing } from '../../auth/api-keys.js';
import type { Reader } from '../../auth/reader-tokens.js';
import type { TokenVerifier } from '../../auth/token-verifier.js';
import { ServiceError } from '../../errors.js';
import { type Origins, rejectCookieOfOthers } from './cross-origin.js';
import { isRepeated } from './request-headers.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route says it: `requireAccess` takes no other. */
    access?: Access;
  }
  interface FastifyRequest {
    /** When the access of the client ends, on the clock of `performance.now()`. */
    accessEndsAt: number;
    /** Whether access is limited, and nothing has shown yet that this request has any. */
    isStranger: boolean;
    /** The id of the key that let the request in; null without one. */
    keyId: string | null;
    /** Whose token let the request in; null without one. */
    reader: Reader | null;
  }
}

export interface AccessOptions {
  /** Without any, whatever takes no token is open. */
  readonly keys: readonly ApiKey[];
  /** Null when no tokens are taken. */
  readonly verifier: TokenVerifier | null;
  /** Whose pages may stop a stream by a cookie, beside the service's own. */
  readonly origins: Origins;
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
  const isOpen = options.keys.length === 0 && options.verifier === null;
  app.decorateRequest('accessEndsAt', Number.POSITIVE_INFINITY);
  app.decorateRequest('isStranger', !isOpen);
  app.decorateRequest('keyId', null);
  app.decorateRequest('reader', null);
  if (isOpen) return;
  const guard = new Guard(options);
  // Before the body is read: a stranger's is none of our business.
  app.addHook('onRequest', async (request, reply) => {
    try {
      await guard.check(request);
    } catch (error) {
      if (isUnauthorized(error)) reply.header('www-authenticate', 'Bearer');
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
    const rule = access === undefined ? closed : accessRules[access];
    // Where there are no keys, nobody could have one.
    const isLimited = this.options.keys.length > 0 || this.#takesTokens(rule) || rule === closed;
    if (isLimited) await this.#checkCredential(rule, request);
    request.isStranger = false;
  }

  #takesTokens({ right }: AccessRule): boolean {
    return this.options.verifier !== null && right !== null;
  }

  async #checkCredential(rule: AccessRule, request: FastifyRequest): Promise<void> {
    const { verifier } = this.options;
    const credential = findCredential(request, verifier?.options.cookie ?? null);
    if (credential === null) throw unauthorized(`this route needs ${this.#needed(rule)}`);
    const token = verifier === null ? null : tokenIn(credential);
    if (token === null) request.keyId = this.#checkKey(rule, credential.text);
    else await this.#checkToken(rule, token, credential, request);
  }

  #needed(rule: AccessRule): string {
    const key = 'a key: Authorization: Bearer <key id>.<secret>';
    if (!this.#takesTokens(rule)) return key;
    return this.options.keys.length === 0 ? 'a token' : `a token, or ${key}`;
  }

  /** @returns the id of the key */
  #checkKey(rule: AccessRule, authorization: string): string {
    const key = this.#ring.find(authorization);
    if (key === null) {
      throw unauthorized(`Authorization does not hold ${this.#known(rule)} that is known here`);
    }
    if (rule.scopes.some((scope) => key.scopes.includes(scope))) return key.id;
    throw new ServiceError('forbidden', `the key lacks the scope ${rule.scopes.join(' or ')}`);
  }

  #known(rule: AccessRule): string {
    if (!this.#takesTokens(rule)) return 'a key';
    return this.options.keys.length === 0 ? 'a token' : 'a token, nor a key';
  }

  async #checkToken(
    rule: AccessRule,
    token: string,
    { place }: Credential,
    request: FastifyRequest,
  ): Promise<void> {
    const reader = await this.#verify(rule, token);
    if (rule.right === null || !mayDo(reader, rule.right, request.params as Place)) {
      throw new ServiceError('forbidden', 'the token does not allow this');
    }
    if (place === 'cookie') rejectCookieOfOthers(request, this.options.origins);
    request.reader = reader;
    request.accessEndsAt = performance.now() + reader.expiresAt - Date.now();
  }

  /** A valid token would not do either on a route that takes none: then the rejection says so. */
  async #verify(rule: AccessRule, token: string): Promise<Reader> {
    try {
      return await (this.options.verifier as TokenVerifier).verify(token);
    } catch (error) {
      if (this.#takesTokens(rule) || !isUnauthorized(error)) throw error;
      throw unauthorized(`${error.message}, and this route needs a key`);
    }
  }
}

function isUnauthorized(error: unknown): error is ServiceError {
  return error instanceof ServiceError && error.code === 'unauthorized';
}

function unauthorized(message: string): ServiceError {
  return new ServiceError('unauthorized', message);
}

/** What a request says of who sends it, and where. */
interface Credential {
  readonly place: 'header' | 'cookie' | 'query';
  readonly text: string;
}

/** RFC 6750; two dots make a JWT, where a key has one. */
const bearerTokenPattern = /^Bearer +([^. ]*\.[^. ]*\.[^. ]*)$/i;

/**
 * The first of `Authorization`, the cookie of this name and `?token=` (an EventSource can set no
 * header). It alone counts: an invalid one is not replaced by another. Several tokens in one place
 * are none that anybody can read.
 *
 * @param cookieName null when no tokens are taken, which leaves `Authorization` alone
 */
function findCredential(
  { headers, query, raw }: FastifyRequest,
  cookieName: string | null,
): Credential | null {
  const { authorization, cookie = '' } = headers;
  if (authorization !== undefined) {
    return { place: 'header', text: isRepeated(raw, 'authorization') ? '' : authorization };
  }
  if (cookieName === null) return null;
  const cookies = valuesOf(cookie, cookieName);
  if (cookies.length > 0) return { place: 'cookie', text: cookies.join(' ') };
  const { token = '' } = query as { readonly token?: string | readonly string[] };
  return token === '' ? null : { place: 'query', text: [token].flat().join(' ') };
}

/** The token in it; null when it is a key, or anything else. */
function tokenIn({ place, text }: Credential): string | null {
  if (place !== 'header') return text;
  return bearerTokenPattern.exec(text)?.[1] ?? null;
}

/** The header `Cookie` (RFC 6265, section 4.2.1). A token needs no decoding. */
function valuesOf(header: string, name: string): string[] {
  const pairs = header.split(';').map((pair) => pair.trim());
  return pairs
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
    .filter((value) => value !== '');
}

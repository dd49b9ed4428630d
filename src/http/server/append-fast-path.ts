import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { FastifyBaseLogger } from 'fastify';
import { type ApiKey, KeyRing } from '../../auth/api-keys.js';
import { idPattern, type StreamId } from '../../store/stream-manager.js';
import type { BodyBudget } from '../body/body-budget.js';
import type { Origins } from '../hooks/cross-origin.js';
import { type RateLimit, requireRate } from '../hooks/rate-limits.js';
import { type HostRule, isRepeated } from '../hooks/request-headers.js';
import { securityHeaders } from '../hooks/request-security.js';
import { type AppendJsonOptions, appendJson, respondAppended } from '../routes/append-json.js';

export interface AppendFastPathOptions extends AppendJsonOptions {
  /** Max bytes of a body. */
  readonly maxBodyBytes: number;
  readonly budget: BodyBudget;
  /** Without any, everybody may append. */
  readonly keys: readonly ApiKey[];
  readonly hosts: HostRule;
  /** Whose pages may append; their requests are not ordinary. */
  readonly origins: Origins;
  /** Whether appends are counted by an address that `X-Forwarded-For` may hold. */
  readonly countsForwarded: boolean;
  readonly log: Pick<FastifyBaseLogger, 'debug'>;
}

/** An append that is ordinary by its head. */
interface Ordinary {
  readonly stream: StreamId;
  /** The id of the key that lets it in; null without keys. */
  readonly keyId: string | null;
}

const idText = idPattern.source.slice(1, -1);
const ordinaryPath = new RegExp(`^/sessions/(${idText})/messages/(${idText})/events$`);
const ordinaryContentType = /^application\/json(?:; ?charset=utf-8)?$/i;

/**
 * Responds to appends that are ordinary beyond doubt, as nearly all are, before the framework sees them:
 * it takes longer than the append. They get the response that the route would give. Whatever is unusual
 * or has to be rejected is left to the route.
 */
export class AppendFastPath {
  readonly #ring: KeyRing;
  readonly #head: readonly string[];
  readonly #failures = new WeakMap<IncomingMessage, unknown>();
  #isEnabled = true;
  /** Shared with the route, whose app has to be there first. */
  rateLimit: RateLimit | null = null;

  constructor(readonly options: AppendFastPathOptions) {
    this.#ring = new KeyRing(options.keys);
    const vary = options.origins.isEmpty ? {} : { vary: 'Origin' };
    this.#head = Object.entries({ ...securityHeaders, ...vary }).flat();
  }

  /** Responds to the request, or has the next listener handle it. */
  take(request: IncomingMessage, response: ServerResponse, next: RequestListener): void {
    const ordinary = this.#isEnabled ? this.#recognize(request) : null;
    if (ordinary === null) next(request, response);
    // What has come along with the head is there in the next turn.
    else setImmediate(this.#append, request, response, ordinary, next);
  }

  /** The error of a request that was left to its route after its body had been read; else undefined. */
  takeError(request: IncomingMessage): unknown {
    return this.#failures.get(request);
  }

  /** Leaves everything to the routes from now on. */
  stop(): void {
    this.#isEnabled = false;
  }

  /** Null when anything about the head is unusual. */
  #recognize(request: IncomingMessage): Ordinary | null {
    const { hosts, countsForwarded } = this.options;
    const match = request.method === 'POST' ? ordinaryPath.exec(request.url as string) : null;
    if (match === null || !isOrdinaryHead(request)) return null;
    if (countsForwarded && request.headers['x-forwarded-for'] !== undefined) return null;
    const keyId = this.#keyIdOf(request);
    if (keyId === undefined || hosts.errorOf(request) !== null) return null;
    return { stream: { sessionId: match[1] as string, messageId: match[2] as string }, keyId };
  }

  /** The key that lets the request append: null where none is needed, undefined when it has none. */
  #keyIdOf(request: IncomingMessage): string | null | undefined {
    if (this.options.keys.length === 0) return null;
    const { authorization } = request.headers;
    if (authorization === undefined || isRepeated(request, 'authorization')) return undefined;
    const key = this.#ring.find(authorization);
    return key?.scopes.includes('append') ? key.id : undefined;
  }

  readonly #append = async (
    request: IncomingMessage,
    response: ServerResponse,
    { stream, keyId }: Ordinary,
    next: RequestListener,
  ): Promise<void> => {
    const { complete, readableLength, socket } = request;
    const { budget, maxBodyBytes, log } = this.options;
    const isOrdinary = complete && readableLength > 0 && readableLength <= maxBodyBytes;
    if (!isOrdinary || !budget.tryAdd(readableLength)) {
      next(request, response);
      return;
    }
    try {
      const body = request.read() as Buffer;
      if (this.rateLimit !== null) {
        const ip = socket.remoteAddress as string;
        await requireRate(this.rateLimit, { ip, keyId, reader: null });
      }
      const appended = await appendJson(request, body, stream, this.options, log);
      respondAppended(response, [...this.#head], appended);
    } catch (error) {
      this.#failures.set(request, error);
      next(request, response);
    } finally {
      budget.tryAdd(-readableLength);
    }
  };
}

/** Requests across origins, and bodies that have to be decoded, are not ordinary. */
function isOrdinaryHead(request: IncomingMessage): boolean {
  const { headers } = request;
  return (
    headers.origin === undefined &&
    headers['sec-fetch-site'] === undefined &&
    headers['content-encoding'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    headers.expect === undefined &&
    ordinaryContentType.test(headers['content-type'] ?? '')
  );
}

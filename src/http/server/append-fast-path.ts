import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type ApiKey, KeyRing } from '../../auth/api-keys.js';
import { idPattern, type StreamId } from '../../store/stream-manager.js';
import type { BodyBudget } from '../body/body-budget.js';
import type { Origins } from '../hooks/cors.js';
import type { HostRule } from '../hooks/host-rule.js';
import { isRepeated } from '../hooks/request-headers.js';
import { securityHeaders } from '../hooks/security-headers.js';
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
  /** Not where the framework counts appends for their rate, or has a line in the log for each. */
  readonly isEnabled: boolean;
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
  #isEnabled: boolean;

  constructor(readonly options: AppendFastPathOptions) {
    this.#ring = new KeyRing(options.keys);
    const vary = options.origins.isEmpty ? {} : { vary: 'Origin' };
    this.#head = Object.entries({ ...securityHeaders, ...vary }).flat();
    this.#isEnabled = options.isEnabled;
  }

  /** Responds to the request, or has the next listener handle it. */
  take(request: IncomingMessage, response: ServerResponse, next: RequestListener): void {
    const stream = this.#isEnabled ? this.#streamOf(request) : null;
    if (stream === null) next(request, response);
    // What has come along with the head is there in the next turn.
    else setImmediate(this.#append, request, response, stream, next);
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
  #streamOf(request: IncomingMessage): StreamId | null {
    const match = request.method === 'POST' ? ordinaryPath.exec(request.url as string) : null;
    if (match === null || !isOrdinaryHead(request) || !this.#mayAppend(request)) return null;
    if (this.options.hosts.errorOf(request) !== null) return null;
    return { sessionId: match[1] as string, messageId: match[2] as string };
  }

  #mayAppend(request: IncomingMessage): boolean {
    if (this.options.keys.length === 0) return true;
    const { authorization } = request.headers;
    if (authorization === undefined || isRepeated(request, 'authorization')) return false;
    return this.#ring.find(authorization)?.scopes.includes('append') === true;
  }

  readonly #append = async (
    request: IncomingMessage,
    response: ServerResponse,
    stream: StreamId,
    next: RequestListener,
  ): Promise<void> => {
    const { complete, readableLength } = request;
    const { budget, maxBodyBytes } = this.options;
    const isOrdinary = complete && readableLength > 0 && readableLength <= maxBodyBytes;
    if (!isOrdinary || !budget.tryAdd(readableLength)) {
      next(request, response);
      return;
    }
    try {
      const body = request.read() as Buffer;
      const appended = await appendJson(request, body, stream, this.options);
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

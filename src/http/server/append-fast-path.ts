import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { ApiKey } from '../../auth/api-keys.js';
import { KeyRing } from '../../auth/api-keys.js';
import { idPattern, type StreamId } from '../../store/stream-id.js';
import type { BodyBudget } from '../body/body-budget.js';
import { varyHeaders } from '../hooks/cors.js';
import type { Origins } from '../hooks/origins.js';
import { isRepeated } from '../hooks/repeated-header.js';
import type { HostRule } from '../hooks/require-host.js';
import { securityHeaders } from '../hooks/security-headers.js';
import { type AppendJsonOptions, appendJson } from '../routes/append-json.js';
import { answerAppended } from '../routes/append-response.js';

export interface OrdinaryAppendsOptions extends AppendJsonOptions {
  /** The most bytes of a body. */
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
 * Answers appends that are ordinary beyond doubt, as nearly all are, before the framework sees them:
 * it takes longer than the append. They get the answer that the route would give. Whatever is unusual
 * or has to be refused is left to the route.
 */
export class AppendFastPath {
  readonly #ring: KeyRing;
  readonly #head: readonly string[];
  readonly #failures = new WeakMap<IncomingMessage, unknown>();
  #isEnabled: boolean;

  constructor(readonly options: OrdinaryAppendsOptions) {
    this.#ring = new KeyRing(options.keys);
    this.#head = Object.entries({ ...securityHeaders, ...varyHeaders(options.origins) }).flat();
    this.#isEnabled = options.isEnabled;
  }

  /** Answers the request, or has it handled otherwise. */
  take(request: IncomingMessage, response: ServerResponse, otherwise: RequestListener): void {
    const stream = this.#isEnabled ? this.#streamOf(request) : null;
    if (stream === null) otherwise(request, response);
    // What has come along with the head is there in the next turn.
    else setImmediate(this.#append, request, response, stream, otherwise);
  }

  /** Why a request failed that was left to its route after its body had been read; else undefined. */
  failureOf(request: IncomingMessage): unknown {
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
    if (this.options.hosts.faultOf(request) !== null) return null;
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
    otherwise: RequestListener,
  ): Promise<void> => {
    const { complete, readableLength } = request;
    const { budget, maxBodyBytes } = this.options;
    const isOrdinary = complete && readableLength > 0 && readableLength <= maxBodyBytes;
    if (!isOrdinary || !budget.tryAdd(readableLength)) {
      otherwise(request, response);
      return;
    }
    try {
      const body = request.read() as Buffer;
      const appended = await appendJson(request, body, stream, this.options);
      answerAppended(response, [...this.#head], appended);
    } catch (error) {
      this.#failures.set(request, error);
      otherwise(request, response);
    } finally {
      budget.tryAdd(-readableLength);
    }
  };
}

/** Pages of other origins, and bodies that have to be decoded, are not ordinary. */
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

/**
 * Every error that the service responds with: its HTTP status, its title, and how many events of a
 * rejected append it leaves stored unless the error itself says otherwise. `null` means unknown.
 */
export const errorTable = {
  invalid_id: { status: 400, title: 'Invalid session or message id', stored: 0 },
  invalid_offset: { status: 400, title: 'Invalid offset', stored: 0 },
  invalid_query: { status: 400, title: 'Invalid query parameter', stored: 0 },
  invalid_header: { status: 400, title: 'Invalid header', stored: 0 },
  invalid_event: { status: 400, title: 'Invalid event', stored: 0 },
  invalid_json: { status: 400, title: 'Invalid JSON', stored: 0 },
  unauthorized: { status: 401, title: 'Unauthorized', stored: 0 },
  forbidden: { status: 403, title: 'Forbidden', stored: 0 },
  not_found: { status: 404, title: 'Not found', stored: 0 },
  method_not_allowed: { status: 405, title: 'Method not allowed', stored: 0 },
  not_acceptable: { status: 406, title: 'Not acceptable', stored: 0 },
  request_timeout: { status: 408, title: 'Request timeout', stored: 0 },
  stream_ended: { status: 409, title: 'The stream has ended', stored: 0 },
  producer_gap: { status: 409, title: 'Events of this producer are missing', stored: 0 },
  producer_fenced: { status: 409, title: 'Another producer has taken over', stored: 0 },
  too_many_producers: { status: 409, title: 'The stream has too many producers', stored: 0 },
  stream_full: { status: 409, title: 'The stream is full', stored: 0 },
  session_full: { status: 409, title: 'The session has too many streams', stored: 0 },
  input_conflict: { status: 409, title: 'Another input has this id', stored: 0 },
  inputs_full: { status: 409, title: 'The stream has too many inputs', stored: 0 },
  inputs_gap: { status: 409, title: 'Fewer inputs are there than acknowledged', stored: 0 },
  inputs_unread: { status: 409, title: 'The stream has unread inputs', stored: 0 },
  stream_gone: { status: 409, title: 'The stream of the lines before is gone', stored: 0 },
  offset_gone: { status: 410, title: 'The stream behind this id is gone', stored: 0 },
  event_too_large: { status: 413, title: 'Event too large', stored: 0 },
  body_too_large: { status: 413, title: 'Body too large', stored: 0 },
  unsupported_media_type: { status: 415, title: 'Unsupported media type', stored: 0 },
  misdirected_request: { status: 421, title: 'Misdirected request', stored: 0 },
  rate_limited: { status: 429, title: 'Too many requests', stored: 0 },
  headers_too_large: { status: 431, title: 'Headers too large', stored: 0 },
  internal: { status: 500, title: 'Internal error', stored: null },
  not_implemented: { status: 501, title: 'Not implemented', stored: 0 },
  backend_unavailable: { status: 503, title: 'A backend is unavailable', stored: null },
  overloaded: { status: 503, title: 'Too many bodies are being read', stored: 0 },
  draining: { status: 503, title: 'This node is shutting down', stored: 0 },
  too_many_feeds: { status: 503, title: 'Too many feeds are open', stored: 0 },
  store_full: { status: 507, title: 'The store is full', stored: 0 },
} as const satisfies Record<string, { status: number; title: string; stored: 0 | null }>;

export type ErrorCode = keyof typeof errorTable;

/** Further members of the problem document, beside the ones that every problem has. */
export interface ErrorDetails {
  /** How many events of the rejected append are in the stream; `null` when that is unknown. */
  readonly stored?: number | null;
  /** With `stored: null`: how many are stored at least. */
  readonly storedAtLeast?: number;
  /** With `stream_ended`: how the stream ended. */
  readonly streamStatus?: string;
  /** With `producer_gap`: the sequence number that comes next. */
  readonly expectedSeq?: number;
  /** With `inputs_gap` and `inputs_unread`: the offset after the last input. */
  readonly inputs?: { readonly nextOffset: number };
  /** The line of an NDJSON body that was rejected, counted from 1. */
  readonly line?: number;
  /** Not in the document, but in `Retry-After`. */
  readonly retryAfterSeconds?: number;
}

/**
 * An error that a caller may see. Callers branch on `code`, never on the message, which is one
 * sentence for people and must not hold anything that only the operator may know.
 */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The same error, for a caller with this many more events stored. */
export function withMoreStored(error: ServiceError, more: number): ServiceError {
  const { stored = errorTable[error.code].stored, storedAtLeast = 0 } = error.details;
  const counts =
    stored === null ? { stored, storedAtLeast: storedAtLeast + more } : { stored: stored + more };
  const details = { ...error.details, ...counts };
  return new ServiceError(error.code, error.message, details, { cause: error.cause });
}

/** Max length of a quotation from a request, in characters. */
const maxExcerpt = 100;

/** Text of a request, cut to a length that a message may quote. */
export function excerpt(text: string): string {
  return text.length <= maxExcerpt ? text : `${text.slice(0, maxExcerpt)}…`;
}

/**
 * The fields of an error in a log line. The error itself may hold more than a log may: a failed Redis
 * command carries its arguments, and those are events or passwords.
 */
export function toLogFields(error: unknown): { readonly reason?: string; readonly stack?: string } {
  if (error === undefined) return {};
  if (!(error instanceof Error)) return { reason: String(error) };
  return { reason: error.message, ...(error.stack === undefined ? {} : { stack: error.stack }) };
}

import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../../errors.js';
import { maxBatchEvents } from '../../events/event.js';
import type { ProducerStamp } from '../../store/append-rules.js';
import { isRepeated } from '../hooks/request-headers.js';

export const maxProducerIdLength = 128;
export const maxLeaseSeconds = 3600;

/** Max sequence number: a batch from there on stays within the safe integers. */
export const maxNumber = Number.MAX_SAFE_INTEGER - maxBatchEvents;

/** The headers of a request as Node parses them. */
export type RequestHeaders = Pick<IncomingMessage, 'headers' | 'rawHeaders'>;

/**
 * `Producer-Id`, `Producer-Epoch` and `Producer-Seq`: all of them or none.
 *
 * @throws ServiceError `invalid_header`
 */
export function producerStamp(request: RequestHeaders): ProducerStamp | undefined {
  const producer = producerEpoch(request);
  const seq = numberOf(request, 'producer-seq', 0, maxNumber);
  if (producer === undefined && seq === undefined) return undefined;
  if (producer === undefined || seq === undefined) {
    throw invalid('Producer-Id, Producer-Epoch and Producer-Seq go together');
  }
  return { ...producer, seq };
}

/** `Producer-Id` and `Producer-Epoch`: both or neither. @throws ServiceError `invalid_header` */
export function producerEpoch(
  request: RequestHeaders,
): Pick<ProducerStamp, 'id' | 'epoch'> | undefined {
  const id = request.headers['producer-id'];
  const epoch = numberOf(request, 'producer-epoch', 0, maxNumber);
  if (id === undefined && epoch === undefined) return undefined;
  if (id === undefined || epoch === undefined) {
    throw invalid('Producer-Id and Producer-Epoch go together');
  }
  // Node joins repeated headers, which makes numbers invalid, but not ids.
  if (isRepeated(request, 'producer-id')) throw invalid('Producer-Id occurs more than once');
  // Beyond ASCII, a header and `?producer=` are decoded differently.
  if (/^[ -~]+$/.test(String(id)) && id.length <= maxProducerIdLength)
    return { id: String(id), epoch };
  throw invalid(`Producer-Id must have 1 to ${maxProducerIdLength} characters of ASCII`);
}

/** `Stream-TTL`, in seconds. @throws ServiceError `invalid_header` */
export function streamTtlMs(request: RequestHeaders, maxTtlMs: number): number | undefined {
  const seconds = numberOf(request, 'stream-ttl', 1, Math.floor(maxTtlMs / 1000));
  return seconds === undefined ? undefined : seconds * 1000;
}

/** `Producer-Lease`, in seconds. @throws ServiceError `invalid_header` */
export function leaseMs(request: RequestHeaders): number | undefined {
  const seconds = numberOf(request, 'producer-lease', 1, maxLeaseSeconds);
  return seconds === undefined ? undefined : seconds * 1000;
}

function numberOf(
  { headers }: RequestHeaders,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = headers[name];
  if (text === undefined) return undefined;
  const value = /^(0|[1-9][0-9]{0,15})$/.test(String(text)) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw invalid(`${name} must be an integer between ${least} and ${most}`);
}

function invalid(message: string): ServiceError {
  return new ServiceError('invalid_header', message);
}

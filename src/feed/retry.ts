import { encodeRetry } from '../sse/frame.js';

/** What clients are told to wait before they come back. */
export const retryMs = 2000;

/** By how much of it the wait of clients differs that are sent on together. */
const retryJitter = 0.5;

/** The last bytes of a feed whose client is to go on elsewhere, or here again. */
export function encodeFarewell(): Buffer {
  return encodeRetry(jitter(retryMs, retryJitter));
}

/** The value, more or less a random part of it, so that what began together ends apart. */
export function jitter(value: number, share: number): number {
  return Math.round(value * (1 + share * (2 * Math.random() - 1)));
}

import { readAll } from './service.js';

/** @typedef {import('./feed.js').Frame} Frame */

/**
 * Compares what the feed brought with what the service has stored, and says it in a sentence.
 *
 * @param {import('./service.js').StreamId} stream
 * @param {readonly Frame[]} frames
 */
export async function compare(stream, frames) {
  const stored = (await readAll(stream)).map((event) => JSON.stringify(event));
  const received = frames.filter(({ kind }) => kind !== 'reset').map(textOf);
  const isSame =
    received.length === stored.length && received.every((text, index) => text === stored[index]);
  return isSame
    ? `All ${stored.length} events came, each once and in order.`
    : `The feed brought ${received.length} events, the service has ${stored.length}: they differ.`;
}

/** @param {Frame} frame */
function textOf({ kind, value }) {
  return JSON.stringify(kind === 'malformed' ? { type: 'malformed', data: value } : value);
}

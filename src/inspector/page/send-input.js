import { retry } from './retry.js';
import { sendInput } from './service.js';

/** @typedef {{ type: 'message', content: string } | { type: 'approval', data: object }} NewInput */

const maxAttempts = 3;

/**
 * The ids of inputs without a response: each may be stored or not. The same input sent once more has the
 * same id, so that it is stored once.
 *
 * @type {Map<string, string>}
 */
const unconfirmed = new Map();

/**
 * Sends an input, again if no response comes.
 *
 * @param {import('./service.js').StreamId} stream
 * @param {NewInput} input
 * @throws {ServiceError}
 */
export async function send(stream, input) {
  const key = JSON.stringify([stream, input]);
  const id = unconfirmed.get(key) ?? newId();
  unconfirmed.set(key, id);
  await retry(() => sendInput(stream, { id, ...input }), maxAttempts);
  unconfirmed.delete(key);
}

/** As random as a UUID; `crypto.randomUUID` is absent where the page comes over HTTP from another machine. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

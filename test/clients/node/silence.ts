import { Agent } from 'undici';

/** After how long without a byte a connection is given up, where a client can be told to. The feeds' heartbeat is shorter. */
export const silenceMs = 4000;

/** The `fetch` of Node.js, which gives up a body after five minutes without a byte, with another time. */
export function fetchWithTimeout(url: string | URL, init?: RequestInit): Promise<Response> {
  const dispatcher = new Agent({ bodyTimeout: silenceMs });
  return fetch(url, { ...init, dispatcher } as object);
}

export const fiveMinutes =
  'Node’s `fetch` closes a connection after five minutes without a byte (`bodyTimeout`): until then, nothing comes.';
export const noTimeout = 'It has no timeout: a dead connection is never noticed.';

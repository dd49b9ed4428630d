import { setTimeout as sleep } from 'node:timers/promises';
import { createEventSource, type FetchLike } from 'eventsource-client';
import { createParser } from 'eventsource-parser';
import type { Follower, ForeignClient, Received } from '../foreign-client.js';
import { fetchWithTimeout, fiveMinutes } from './silence.js';

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A client of its own for each language and program would look like this one. */
function followWithParser(url: string, fetch: Fetch): Follower {
  const received: Received[] = [];
  const leaving = new AbortController();
  let lastId = '';
  let waitMs = 2000;
  const follow = async () => {
    while (!leaving.signal.aborted) {
      const parser = createParser({
        onEvent: ({ id = lastId, data }) => {
          lastId = id;
          received.push({ id, data });
        },
        onRetry: (ms) => {
          waitMs = ms;
        },
      });
      try {
        const headers = { accept: 'text/event-stream', 'last-event-id': lastId };
        const response = await fetch(url, { headers, signal: leaving.signal });
        if ([204, 401, 403].includes(response.status)) return;
        const body = response.body as ReadableStream<Uint8Array>;
        const decoder = new TextDecoder();
        for await (const chunk of body) parser.feed(decoder.decode(chunk, { stream: true }));
      } catch {
        // The connection broke.
      }
      await sleep(waitMs);
    }
  };
  let isOver = false;
  const following = follow().finally(() => {
    isOver = true;
  });
  return {
    received: async () => received,
    isOver: async () => isOver,
    close: () => {
      leaving.abort();
      return following;
    },
  };
}

function followWithClient(url: string, fetch?: FetchLike): Follower {
  const received: Received[] = [];
  const client = createEventSource({
    url,
    ...(fetch && { fetch }),
    onMessage: ({ id = '', data }) => received.push({ id, data }),
  });
  return {
    received: async () => received,
    isOver: async () => client.readyState === 'closed',
    close: async () => client.close(),
  };
}

/** For `eventsource-client`, to which 204 alone is an end. */
async function fetchThatEnds(url: string | URL, init?: object): Promise<Response> {
  const response = await fetchWithTimeout(url, init as RequestInit);
  return [401, 403].includes(response.status) ? new Response(null, { status: 204 }) : response;
}

/** Clients on `fetch` that are no EventSource. */
export const fetchClients: readonly ForeignClient[] = [
  {
    name: 'eventsource-parser 3 and `fetch`',
    option: null,
    limits: { 'black hole': fiveMinutes },
    follow: async (url) => followWithParser(url, fetch),
  },
  {
    name: 'eventsource-parser 3 and `fetch`',
    option: 'a shorter `bodyTimeout`',
    limits: {},
    follow: async (url) => followWithParser(url, fetchWithTimeout),
  },
  {
    name: 'eventsource-client 1',
    option: null,
    limits: {
      'black hole': fiveMinutes,
      'token expiry':
        'It takes a 401 for a stream without events, and reconnects until it is closed.',
    },
    follow: async (url) => followWithClient(url),
  },
  {
    name: 'eventsource-client 1',
    option: '`fetch` with a shorter `bodyTimeout`, that turns a 401 into a 204',
    limits: {},
    follow: async (url) => followWithClient(url, fetchThatEnds as unknown as FetchLike),
  },
];

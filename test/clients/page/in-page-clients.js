import { fetchEventSource } from '@microsoft/fetch-event-source';
import { EventSourcePolyfill } from 'event-source-polyfill';
import { EventSource as ExtendedEventSource } from 'extended-eventsource';
import ReconnectingEventSource from 'reconnecting-eventsource';
import { SSE } from 'sse.js';
import { follow } from '../../../examples/page/follow.js';

/**
 * How a page follows a feed, by the names that page-clients.ts and engines.ts know. Each is given the
 * URL and what to call with the data and the id of an event, and returns how to close it and whether it
 * is over unasked.
 */
export const clients = {
  native: (url, note) => listened(new EventSource(url), note),

  'example page': followAsExample,

  'fetch-event-source': (url, note) => fetched(url, ({ data, id }) => note(data, id)),

  'fetch-event-source parsing': (url, note) =>
    fetched(url, ({ data, id }) => {
      JSON.parse(data);
      note(data, id);
    }),

  'event-source-polyfill': (url, note) => listened(new EventSourcePolyfill(url), note),

  'event-source-polyfill with a timeout': (url, note) =>
    listened(new EventSourcePolyfill(url, { heartbeatTimeout: 5000 }), note),

  'reconnecting-eventsource closed': (url, note) => {
    const source = new ReconnectingEventSource(url);
    source.addEventListener('message', ({ data, lastEventId }) => {
      note(data, lastEventId);
      if (isTerminal(data)) source.close();
    });
    return handsOf(source);
  },

  'extended-eventsource': (url, note) => listened(new ExtendedEventSource(url), note),

  'sse.js': (url, note) => {
    const source = reconnectingSse(url);
    source.onmessage = ({ data, lastEventId }) => note(data, lastEventId);
    return handsOfSse(source);
  },

  'sse.js closed': (url, note) => {
    const source = reconnectingSse(url);
    source.onmessage = ({ data, lastEventId }) => {
      note(data, lastEventId);
      if (isTerminal(data)) source.close();
    };
    return handsOfSse(source);
  },
};

/** Its events are not numbered, and stored chunks of one text come as one. */
function followAsExample(url, note) {
  const { href, searchParams } = new URL(url);
  let status = 'connecting';
  const close = follow(href.replace(/\/stream(\?.*)?$/, ''), {
    getToken: () => searchParams.get('token') ?? '',
    onEvent: (event) => note(JSON.stringify(event), ''),
    onReset: () => note(JSON.stringify({ reason: 'reset' }), ''),
    onStatus: (told) => {
      status = told;
    },
  });
  return { close, isOver: () => !['connecting', 'open'].includes(status) };
}

/** Notes the messages of an EventSource, or of what looks like one. */
function listened(source, note) {
  source.onmessage = ({ data, lastEventId }) => note(data, lastEventId);
  return handsOf(source);
}

function handsOf(source) {
  return { close: () => source.close(), isOver: () => source.readyState === 2 };
}

function reconnectingSse(url) {
  return new SSE(url, { autoReconnect: true });
}

/** It is closed between two attempts too. */
function handsOfSse(source) {
  return { close: () => source.close(), isOver: () => !source.autoReconnect };
}

function fetched(url, onmessage) {
  const controller = new AbortController();
  let isOver = false;
  void fetchEventSource(url, { onmessage, signal: controller.signal }).finally(() => {
    isOver = true;
  });
  return { close: () => controller.abort(), isOver: () => isOver };
}

function isTerminal(data) {
  const { type, done } = JSON.parse(data);
  return ['complete', 'stop'].includes(type) || (type === 'error' && done);
}

import { fetchEventSource } from '@microsoft/fetch-event-source';
import { EventSourcePolyfill } from 'event-source-polyfill';
import { EventSource as ExtendedEventSource } from 'extended-eventsource';
import ReconnectingEventSource from 'reconnecting-eventsource';
import { SSE } from 'sse.js';
import { watchedEventSource } from './watched-event-source.js';

/**
 * How a page follows a feed, by the names that page-clients.ts and engines.ts know. Each is given the
 * URL and what to call with the data and the id of an event, and returns how to close it and whether it
 * is over by itself.
 */
export const clients = {
  native: (url, note) => listened(new EventSource(url), note),

  watched: watchedEventSource,

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
    return sseHandsOf(source);
  },

  'sse.js closed': (url, note) => {
    const source = reconnectingSse(url);
    source.onmessage = ({ data, lastEventId }) => {
      note(data, lastEventId);
      if (isTerminal(data)) source.close();
    };
    return sseHandsOf(source);
  },
};

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

/** Between two attempts it is closed, and not over. */
function sseHandsOf(source) {
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

import { chromium, clientIn } from '../engines/engine.js';
import type { ForeignClient } from '../foreign-client.js';

const noTimeout = 'It has no timeout, so a connection that died silently stays open to it.';
const notesEarly =
  'It records an id at its line: an event is lost when its frame breaks off between that line and the blank one.';
const asksAgain = 'It reconnects for ever, whatever the status of the response.';
const never = { DELETE: asksAgain, 'token expiry': asksAgain };
const closes = '`close()` at the terminal event';

/** What people use in pages, on a cross-origin page in Chromium. Their service allows `pageOrigin()`. */
export const pageClients: readonly ForeignClient[] = [
  clientIn(chromium, 'fetch-event-source', {
    name: '@microsoft/fetch-event-source 2',
    option: null,
    limits: {
      'FIN in a frame': notesEarly,
      'black hole': noTimeout,
      'token expiry': asksAgain,
    },
  }),
  clientIn(chromium, 'fetch-event-source parsing', {
    name: '@microsoft/fetch-event-source 2',
    option: 'a bare `JSON.parse(m.data)` in `onmessage`',
    limits: {
      'FIN in a frame': notesEarly,
      'black hole': noTimeout,
      'token expiry': asksAgain,
    },
  }),
  clientIn(chromium, 'event-source-polyfill', {
    name: 'event-source-polyfill 1',
    option: null,
    limits: {},
  }),
  clientIn(chromium, 'event-source-polyfill with a timeout', {
    name: 'event-source-polyfill 1',
    option: '`heartbeatTimeout: 5000`',
    limits: {},
  }),
  clientIn(chromium, 'reconnecting-eventsource closed', {
    name: 'reconnecting-eventsource 1',
    option: `\`addEventListener\`, ${closes}: it reopens a closed feed, without \`addEventListener\` from the start`,
    limits: { 'black hole': noTimeout, ...never },
  }),
  clientIn(chromium, 'extended-eventsource', {
    name: 'extended-eventsource 2',
    option: null,
    limits: { 'FIN in a frame': notesEarly, 'black hole': noTimeout },
  }),
  clientIn(chromium, 'sse.js', {
    name: 'sse.js 2',
    option: '`autoReconnect: true`',
    limits: { 'black hole': noTimeout, ...never, end: asksAgain },
  }),
  clientIn(chromium, 'sse.js closed', {
    name: 'sse.js 2',
    option: `\`autoReconnect: true\`, ${closes}`,
    limits: { 'black hole': noTimeout, ...never },
  }),
];

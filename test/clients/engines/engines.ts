import type { ForeignClient } from '../foreign-client.js';
import { chromium, clientIn, firefox, webKit } from './engine.js';

const noTimeout =
  'It has no timeout, and a connection that is dead without a word stays open to it.';
const watched =
  'It comes back from any status, until it has seen the terminal event: when to give up is for the page to say.';
const refused =
  'On a page of another origin, it gives up for good when a connection is refused: reopen it when it is closed.';

/** What the browsers bring, on a page of another origin. Their service allows `pageOrigin()`. */
export const engines: readonly ForeignClient[] = [
  clientIn(chromium, 'native', {
    name: 'EventSource of Chromium',
    option: null,
    limits: { 'black hole': noTimeout },
  }),
  clientIn(chromium, 'watched', {
    name: 'EventSource of Chromium',
    option: '`?control=true`, and the watchdog of `examples/page`',
    limits: { DELETE: watched, 'token expiry': watched },
  }),
  clientIn(firefox, 'native', {
    name: 'EventSource of Firefox',
    option: null,
    limits: { 'black hole': noTimeout, 'restart, memory': refused, 'restart, Redis': refused },
  }),
  clientIn(firefox, 'watched', {
    name: 'EventSource of Firefox',
    option: '`?control=true`, and the watchdog of `examples/page`',
    limits: { DELETE: watched, 'token expiry': watched },
  }),
  clientIn(webKit, 'native', {
    name: 'EventSource of WebKitGTK',
    option: null,
    limits: { 'black hole': noTimeout },
  }),
  clientIn(webKit, 'watched', {
    name: 'EventSource of WebKitGTK',
    option: '`?control=true`, and the watchdog of `examples/page`',
    limits: { DELETE: watched, 'token expiry': watched },
  }),
];

import type { ForeignClient } from '../foreign-client.js';
import { chromium, clientIn, firefox, webKit } from './engine.js';

const noTimeout = 'It has no timeout, so a connection that died silently stays open to it.';
const givesUpForGood =
  'On a cross-origin page, it gives up for good when a connection is refused: open a new one when it is closed.';

/** What the browsers bring, on a cross-origin page. Their service allows `pageOrigin()`. */
export const engines: readonly ForeignClient[] = [
  clientIn(chromium, 'native', {
    name: 'EventSource of Chromium',
    option: null,
    limits: { 'black hole': noTimeout },
  }),
  clientIn(chromium, 'example page', {
    name: 'EventSource of Chromium',
    option: '`examples/page/follow.js`, which watches the heartbeat',
    limits: {},
  }),
  clientIn(firefox, 'native', {
    name: 'EventSource of Firefox',
    option: null,
    limits: {
      'black hole': noTimeout,
      'restart, memory': givesUpForGood,
      'restart, Redis': givesUpForGood,
    },
  }),
  clientIn(firefox, 'example page', {
    name: 'EventSource of Firefox',
    option: '`examples/page/follow.js`, which watches the heartbeat',
    limits: {},
  }),
  clientIn(webKit, 'native', {
    name: 'EventSource of WebKitGTK',
    option: null,
    limits: { 'black hole': noTimeout },
  }),
  clientIn(webKit, 'example page', {
    name: 'EventSource of WebKitGTK',
    option: '`examples/page/follow.js`, which watches the heartbeat',
    limits: {},
  }),
];

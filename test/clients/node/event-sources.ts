import { EventSource as EventSource4 } from 'eventsource';
import EventSource2 from 'eventsource-2';
import { EventSource as EventSource3 } from 'eventsource-3';
import { EventSource as LaunchDarkly } from 'launchdarkly-eventsource';
import { Agent, EventSource as Undici6 } from 'undici';
import { Agent as Agent7, EventSource as Undici7 } from 'undici-7';
import type { ForeignClient } from '../foreign-client.js';
import { type EventSourceLike, followEventSource, followWatched } from './event-source-follower.js';
import { fetchWithTimeout, fiveMinutes, noTimeout, silenceMs } from './silence.js';

type Limits = ForeignClient['limits'];
type Open = (url: string) => unknown;

function client(name: string, option: string | null, limits: Limits, open: Open): ForeignClient {
  const follow = async (url: string) => followEventSource(open(url) as EventSourceLike);
  return { name, option, limits, follow };
}

/** `eventsource` before version 3 does not clear what it has of an event when its connection ends. */
const keepsTornData: Limits = {
  'FIN in a frame':
    'It keeps the `data` of an incomplete frame when a connection breaks, and appends the next event to it: both are lost.',
};

const givesUpForGood =
  'It gives up for good when a connection is refused, such as during a restart of the service; undici 7 does not.';
const givesUp: Limits = { 'restart, memory': givesUpForGood, 'restart, Redis': givesUpForGood };

/** Packages for Node.js with the interface of EventSource. */
export const eventSources: readonly ForeignClient[] = [
  client(
    'eventsource 2',
    null,
    { ...keepsTornData, 'black hole': noTimeout },
    (url) => new EventSource2(url),
  ),
  {
    name: 'eventsource 2',
    option: '`control=true`, and a new one when no heartbeat comes',
    limits: keepsTornData,
    follow: async (url) => followWatched(url, silenceMs, (place) => new EventSource2(place)),
  },
  client('eventsource 3', null, { 'black hole': fiveMinutes }, (url) => new EventSource3(url)),
  client(
    'eventsource 3',
    '`fetch` with a shorter `bodyTimeout`',
    {},
    (url) => new EventSource3(url, { fetch: fetchWithTimeout as never }),
  ),
  client('eventsource 4', null, { 'black hole': fiveMinutes }, (url) => new EventSource4(url)),
  client(
    'eventsource 4',
    '`fetch` with a shorter `bodyTimeout`',
    {},
    (url) => new EventSource4(url, { fetch: fetchWithTimeout as never }),
  ),
  client('undici 6', null, { ...givesUp, 'black hole': fiveMinutes }, (url) => new Undici6(url)),
  client(
    'undici 6',
    '`dispatcher` with a shorter `bodyTimeout`',
    givesUp,
    (url) => new Undici6(url, { dispatcher: new Agent({ bodyTimeout: silenceMs }) }),
  ),
  client('undici 7', null, { 'black hole': fiveMinutes }, (url) => new Undici7(url)),
  client(
    'undici 7',
    '`node.dispatcher` with a shorter `bodyTimeout`',
    {},
    (url) => new Undici7(url, { node: { dispatcher: new Agent7({ bodyTimeout: silenceMs }) } }),
  ),
  // It takes the time-out of Node's agent for its own: five seconds of silence.
  client('launchdarkly-eventsource 2', null, {}, (url) => new LaunchDarkly(url)),
];

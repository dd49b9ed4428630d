import type { StreamManagerType } from '../store/create-stream-manager.js';
import { isChosen, valueAt } from './checks.js';
import type { SettingWarning } from './config-error.js';
import { nameOf, type SettingPath, type Settings, settings } from './settings.js';
import type { Variables } from './variables.js';

/** A setting that has no effect above another one, and the consequence. */
type Ceiling = readonly [
  setting: SettingPath,
  ceiling: SettingPath,
  detail: string,
  only?: StreamManagerType,
];

const ceilings: readonly Ceiling[] = [
  ['limits.event_bytes', 'limits.body_bytes', 'only NDJSON can bring an event that large'],
  ['limits.event_bytes', 'limits.bodies_in_flight', 'not even NDJSON can bring one'],
  ['limits.event_bytes', 'limits.stream_bytes', 'no stream accepts an event that large'],
  [
    'limits.stream_bytes',
    'stream_manager.memory.max_bytes',
    'the store is full before a stream is',
    'memory',
  ],
  [
    'limits.session_streams',
    'stream_manager.memory.max_streams',
    'the store is full before a session is',
    'memory',
  ],
  ['feed.max_feeds_per_stream', 'feed.max_feeds', 'it limits nothing'],
  ['feed.heartbeat', 'feed.max_age', 'no feed lasts until its first heartbeat'],
  ['feed.linger', 'feed.max_age', 'a feed may end before'],
  ['feed.start_timeout', 'feed.max_age', 'a feed ends before'],
];

/** Warnings for settings that probably do not have the intended effect. */
export function settingWarnings(
  values: Settings,
  variables: Readonly<Variables>,
): SettingWarning[] {
  return [
    ...aboveCeilings(values, variables),
    ...slowPolls(values),
    ...otherBackend(values, variables),
  ];
}

/** Limits the feeds to two thirds of the connections, as by default: appends need some too. */
export function limitFeeds(
  values: Settings,
  variables: Readonly<Variables>,
): { readonly maxFeeds: number; readonly warnings: readonly SettingWarning[] } {
  const { max_feeds } = values.feed;
  const { max_connections } = values.server;
  if (max_feeds < max_connections) return { maxFeeds: max_feeds, warnings: [] };
  const setting = nameOf('feed.max_feeds');
  if (isChosen('feed.max_feeds', values, variables)) {
    const detail = `should be below ${nameOf('server.max_connections')}: each feed takes a connection`;
    return { maxFeeds: max_feeds, warnings: [{ setting, detail }] };
  }
  const maxFeeds = Math.max(1, Math.floor((max_connections * 2) / 3));
  const detail = `is ${maxFeeds}, two thirds of server.max_connections`;
  return { maxFeeds, warnings: [{ setting, detail }] };
}

function aboveCeilings(values: Settings, variables: Readonly<Variables>): SettingWarning[] {
  return ceilings.flatMap(([path, ceiling, detail, only = values.stream_manager.type]) => {
    const isAbove = Number(valueAt(path, values)) > Number(valueAt(ceiling, values));
    // A default may be without effect.
    if (!isAbove || !isChosen(path, values, variables) || only !== values.stream_manager.type)
      return [];
    return [{ setting: path, detail: `is above ${ceiling}: ${detail}` }];
  });
}

function slowPolls({ stream_manager, feed }: Settings): SettingWarning[] {
  const isSlow = feed.linger > 0 && feed.poll_interval > feed.linger;
  if (!isSlow || stream_manager.type !== 'redis') return [];
  const detail =
    'is above feed.linger: a late title that another program pushes may not reach the readers';
  return [{ setting: 'feed.poll_interval', detail }];
}

/** Warnings for variables of the backend that was not chosen: perhaps it should have been. */
function otherBackend(
  { stream_manager: { type } }: Settings,
  variables: Readonly<Variables>,
): SettingWarning[] {
  const others = Object.keys(variables).filter((name) => {
    const backend = name === 'REDIS_URL' ? 'redis' : backendOf(name);
    return backend !== undefined && backend !== type;
  });
  if (others.length === 0) return [];
  const detail = `no effect, as stream_manager.type (STREAM_MANAGER_TYPE) is ${type}`;
  return [{ setting: others.join(', '), detail }];
}

function backendOf(name: string): string | undefined {
  const path = settings.find(({ variable }) => variable === name)?.path;
  return /^stream_manager\.(memory|redis)\./.exec(path ?? '')?.[1];
}

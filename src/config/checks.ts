import type { z } from 'zod';
import type { StreamManagerType } from '../store/create-stream-manager.js';
import { environmentNames, settingsSchema } from './settings.js';
import type { SettingWarning } from './unknown.js';

type Settings = z.infer<typeof settingsSchema>;
type Path = keyof typeof environmentNames;

/** A setting that has no effect beyond another one, and what comes of it. */
type Ceiling = readonly [setting: Path, ceiling: Path, detail: string, only?: StreamManagerType];

const ceilings: readonly Ceiling[] = [
  ['limits.event_bytes', 'limits.body_bytes', 'only NDJSON can bring an event that large'],
  ['limits.event_bytes', 'limits.bodies_in_flight', 'not even NDJSON can bring one'],
  ['limits.event_bytes', 'limits.stream_bytes', 'no stream takes an event that large'],
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
  ['feed.wait', 'feed.max_age', 'a feed ends before'],
];

/** Descriptors that are no connections: those of Redis, of files, and of Node.js. */
const otherDescriptors = 100;

const defaults = settingsSchema.parse({});

interface Checked {
  readonly settings: Settings;
  readonly faults: readonly string[];
  readonly warnings: readonly SettingWarning[];
}

/**
 * Settings that are sound by themselves and contradict each other.
 *
 * @param variables a setting whose variable is there was set, even if to its default
 */
export function checkTogether(
  settings: Settings,
  variables: Readonly<Record<string, string>>,
): Checked {
  const isSet = (path: Path) =>
    variables[environmentNames[path]] !== undefined ||
    valueAt(settings, path) !== valueAt(defaults, path);
  const checked = fitFeeds(settings, isSet);
  const warnings = [
    ...checked.warnings,
    ...pastCeilings(settings, isSet),
    ...slowPolls(settings),
    ...otherBackend(settings, variables),
  ];
  return { ...checked, faults: [...checked.faults, ...hopelessBodies(settings)], warnings };
}

/** A client that is told to come back would do so for ever. */
function hopelessBodies({ limits }: Settings): string[] {
  if (limits.bodies_in_flight >= limits.body_bytes) return [];
  const setting = 'limits.bodies_in_flight (LIMITS_BODIES_IN_FLIGHT)';
  return [
    `${setting}: must be at least limits.body_bytes (LIMITS_BODY_BYTES), or no such body is read`,
  ];
}

/** Each feed takes a connection, and an append needs one too. */
function fitFeeds(settings: Settings, isSet: (path: Path) => boolean): Checked {
  const { max_connections } = settings.server;
  if (max_connections > settings.feed.max_feeds) return { settings, faults: [], warnings: [] };
  const setting = 'feed.max_feeds (FEED_MAX_FEEDS)';
  const detail = 'must be below server.max_connections (MAX_CONNECTIONS): each feed takes one';
  if (!isSet('server.max_connections')) {
    return { settings, faults: [], warnings: [{ setting, detail }] };
  }
  if (isSet('feed.max_feeds')) return { settings, faults: [`${setting}: ${detail}`], warnings: [] };
  // As the defaults: a third is for what is no feed.
  const max_feeds = Math.max(1, Math.floor((max_connections * 2) / 3));
  const warning = { setting, detail: `is ${max_feeds}, two thirds of server.max_connections` };
  return {
    settings: { ...settings, feed: { ...settings.feed, max_feeds } },
    faults: [],
    warnings: [warning],
  };
}

function pastCeilings(settings: Settings, isSet: (path: Path) => boolean): SettingWarning[] {
  return ceilings.flatMap(([path, ceiling, detail, only = settings.stream_manager.type]) => {
    const isPast = Number(valueAt(settings, path)) > Number(valueAt(settings, ceiling));
    // One that was not set need not have an effect.
    if (!isPast || !isSet(path) || only !== settings.stream_manager.type) return [];
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

/** Variables of the backend that was not chosen: maybe it was meant to be. */
function otherBackend(
  { stream_manager: { type } }: Settings,
  variables: Readonly<Record<string, string>>,
): SettingWarning[] {
  const others = Object.keys(variables).filter((name) => {
    const ofRedis = name === 'REDIS_URL' || ownerOf(name) === 'redis';
    return type === 'memory' ? ofRedis : ownerOf(name) === 'memory';
  });
  if (others.length === 0) return [];
  const detail = `no effect, as stream_manager.type (STREAM_MANAGER_TYPE) is ${type}`;
  return [{ setting: others.join(', '), detail }];
}

function ownerOf(variable: string): string | undefined {
  const entry = Object.entries(environmentNames).find(([, name]) => name === variable);
  return /^stream_manager\.(\w+)\./.exec(entry?.[0] ?? '')?.[1];
}

function valueAt(settings: Settings, path: Path): unknown {
  return path.split('.').reduce<unknown>((value, key) => Object(value)[key], settings);
}

/** Past the limit of open files, connections fail in ways that no client understands. */
export function lacksDescriptors(openFiles: number, maxConnections: number): boolean {
  return openFiles < maxConnections + otherDescriptors;
}

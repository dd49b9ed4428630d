import { type LogId, logKey, type StreamId, streamKey } from '../stream-manager.js';

/** The names of one stream in Redis. */
export interface RedisKeys {
  /** The List of events: `prefix:sid:mid`, the key that other programs know. */
  readonly list: string;
  /** The state that this service keeps of the list, in the same slot of a Redis Cluster. */
  readonly state: string;
}

/** @param prefix used byte for byte, never trimmed */
export function redisKeys(prefix: string, stream: StreamId): RedisKeys {
  const list = listKey(prefix, stream);
  return { list, state: companionKey(prefix, list, 'state2') };
}

/** The names of the inputs of a stream in Redis, in the same slot. */
export function inputsKeys(prefix: string, stream: StreamId) {
  const list = listKey(prefix, stream);
  return {
    inputs: companionKey(prefix, list, 'inputs'),
    ids: companionKey(prefix, list, 'input-ids'),
  };
}

/** The pub/sub channel of the notifications of a log. */
export function channelOf(prefix: string, log: LogId): string {
  return `${prefix}:${logKey(log)}${channelSuffix}`;
}

/** The List of events alone. */
export function listKey(prefix: string, stream: StreamId): string {
  return `${prefix}:${streamKey(stream)}`;
}

/** The sorted set of the streams of a session. */
export function sessionKey(prefix: string, sessionId: string): string {
  return companionKey(prefix, `${prefix}:${sessionId}`, 'streams');
}

/** The sorted set of the deadlines of all leases. */
export function leasesKey(prefix: string): string {
  return `${prefix}::leases`;
}

/** What the name of a log has behind it as that of its channel. */
export const channelSuffix = '::wake';

/** The stream of a `streamKey`. */
export function streamOfKey(key: string): StreamId {
  const [sessionId = '', messageId = ''] = key.split(':');
  return { sessionId, messageId };
}

/** The `logKey` of the log of a channel. */
export function logKeyOfChannel(prefix: string, channel: string): string {
  return channel.slice(prefix.length + 1, -channelSuffix.length);
}

/**
 * A prefix with a hash tag puts every key in the slot of that tag. Otherwise the whole name of
 * the list becomes the tag, as Redis hashes all of a key that has none.
 */
function companionKey(prefix: string, list: string, name: string): string {
  return hasHashTag(prefix) ? `${list}::${name}` : `{${list}}::${name}`;
}

function hasHashTag(prefix: string): boolean {
  return /\{[^{}]+\}/.test(prefix);
}

/** Whether the braces of the prefix are a valid hash tag: any others are a mistake. */
export function hasSoundBraces(prefix: string): boolean {
  return /^[^{}]*(\{[^{}]+\}[^{}]*)*$/.test(prefix);
}

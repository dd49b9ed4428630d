import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import { endsWithinMs } from '../lease.js';
import { smallTerminalBytes } from '../lifecycle.js';
import { maxProducers } from '../producer.js';
import { createCommandClient } from './connection/redis-client.js';
import type { RedisCluster } from './connection/redis-cluster.js';
import type { RedisOptions } from './connection/redis-options.js';

type Argument = string | number | Buffer;
type StreamScript = (list: string, state: string, ...args: Argument[]) => Promise<unknown>;
type OneKeyScript = (key: string, ...args: Argument[]) => Promise<unknown>;

/** The scripts in `scripts/`, as commands. The `Buffer` variants return bulk strings as bytes. */
interface Scripts {
  readonly appendEventsBuffer: StreamScript;
  readonly streamStatusBuffer: StreamScript;
  readonly expireLeaseBuffer: StreamScript;
  readonly deleteStream: StreamScript;
  readonly readPageBuffer: OneKeyScript;
  readonly scheduleLeaseCheck: OneKeyScript;
  readonly dueLeases: OneKeyScript;
  readonly compareAndSetScore: OneKeyScript;
  readonly noteStream: OneKeyScript;
}

/** A client of Redis with the scripts as commands. */
export type ScriptClient = (Redis | RedisCluster) & Scripts;

export function createScriptClient(options: RedisOptions, logger: BaseLogger): ScriptClient {
  return createCommandClient(options, logger, scripts) as ScriptClient;
}

/**
 * The version of the layout of a stream's state. Nodes preserve unknown fields, so only a change that an
 * older node must not overwrite raises it; such a node then rejects changes of the stream.
 */
const stateVersion = 1;

/** The prefix of every script on the state of a stream. */
const constants = `
local ends_within_ms, small_terminal_bytes, max_producers, state_version =
  ${endsWithinMs}, ${smallTerminalBytes}, ${maxProducers}, ${stateVersion}
`;

const scripts = {
  appendEvents: { numberOfKeys: 2, lua: constants + load('append-events') },
  streamStatus: { numberOfKeys: 2, lua: constants + load('stream-status') },
  expireLease: { numberOfKeys: 2, lua: constants + load('expire-lease') },
  deleteStream: { numberOfKeys: 2, lua: constants + load('delete-stream') },
  readPage: { numberOfKeys: 1, lua: load('read-page') },
  scheduleLeaseCheck: { numberOfKeys: 1, lua: load('schedule-lease-check') },
  dueLeases: { numberOfKeys: 1, lua: load('due-leases') },
  compareAndSetScore: { numberOfKeys: 1, lua: load('compare-and-set-score') },
  noteStream: { numberOfKeys: 1, lua: load('note-stream') },
};

/** A file of `scripts/`, with the files that it includes in place of their lines. */
function load(name: string): string {
  const text = readFileSync(new URL(`scripts/${name}.lua`, import.meta.url), 'utf8');
  return text.replaceAll(/^-- @include (\S+)$/gm, (_line, part: string) => load(part));
}

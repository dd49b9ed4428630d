import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import { ServiceError, withMoreStored } from '../../errors.js';
import { decodeInTurns, type Ending, type StoredEvent } from '../../events/event.js';
import {
  maxProducers,
  onlyEnds,
  planAppend,
  producerFenced,
  producerGap,
  type StreamLimits,
  smallTerminalBytes,
  streamEnded,
  streamFull,
  titleGraceMs,
  tooManyProducers,
} from '../append-rules.js';
import { inputConflict, inputsFull, inputsGap, inputsUnread } from '../input-rules.js';
import { endsWithinMs } from '../lease-rules.js';
import {
  type Appended,
  type AppendOptions,
  maxPageBytes,
  type StoredRange,
  type StoreOptions,
  type StreamInfo,
} from '../stream-manager.js';
import { createCommandClient } from './connection/redis-client.js';
import type { RedisCluster } from './connection/redis-cluster.js';
import { codeIn } from './connection/redis-errors.js';
import type { RedisOptions } from './connection/redis-options.js';
import { channelSuffix } from './redis-keys.js';

export type Argument = string | number | Buffer;
type StreamScript = (list: string, state: string, ...args: Argument[]) => Promise<unknown>;
/** @param args the number of keys, the keys, and the arguments */
export type ManyKeysScript = (...args: Argument[]) => Promise<unknown>;
type OneKeyScript = (key: string, ...args: Argument[]) => Promise<unknown>;

/** The scripts in `scripts/`, as commands. The `Buffer` variants return bulk strings as bytes. */
interface Scripts {
  readonly appendEventsBuffer: ManyKeysScript;
  readonly appendInputs: StreamScript;
  readonly readInputsBuffer: StreamScript;
  readonly readStreamsBuffer: ManyKeysScript;
  readonly streamEndsBuffer: ManyKeysScript;
  readonly inputEnds: ManyKeysScript;
  readonly expireLeaseBuffer: StreamScript;
  readonly deleteStream: StreamScript;
  readonly scheduleLeaseCheck: OneKeyScript;
  readonly dueLeases: OneKeyScript;
  readonly compareAndSetScore: OneKeyScript;
  readonly noteStream: OneKeyScript;
}

/** A client of Redis with the scripts as commands. */
export type ScriptClient = (Redis | RedisCluster) & Scripts;

export function createScriptClient(
  redis: RedisOptions,
  logger: BaseLogger,
  options: StoreOptions,
): ScriptClient {
  return createCommandClient(redis, logger, scriptsFor(options)) as ScriptClient;
}

/** The version of the layout of a stream's state. Nodes reject streams that have the state of another one. */
const stateVersion = 2;

/** The index of the status in `s`, and its value there for a deleted stream: see `scripts/shared/state.lua`. */
const [statusAt, deletedStatus] = [1, 5];

/** The names that scripts have for what is the same in each call. Nodes may differ in their settings. */
function constantsFor({ ttlMs, maxAgeMs, limits }: StoreOptions): string {
  const values: Record<string, number | string> = {
    state_version: stateVersion,
    ends_within_ms: endsWithinMs,
    small_terminal_bytes: smallTerminalBytes,
    max_producers: maxProducers,
    title_grace: titleGraceMs,
    service_ttl: ttlMs,
    max_age: maxAgeMs,
    max_events: limits.maxStreamEvents,
    max_bytes: limits.maxStreamBytes,
    max_inputs: limits.maxStreamInputs,
    max_input_bytes: limits.maxStreamInputBytes,
    max_page_bytes: maxPageBytes,
    channel_suffix: `'${channelSuffix}'`,
  };
  const lines = Object.entries(values).map(([name, value]) => `local ${name} = ${value}\n`);
  return lines.join('');
}

function scriptsFor(options: StoreOptions) {
  const constants = constantsFor(options);
  return {
    appendEvents: { lua: constants + load('append-events') },
    appendInputs: { numberOfKeys: 4, lua: constants + load('append-inputs') },
    readInputs: { numberOfKeys: 3, lua: constants + load('read-inputs') },
    readStreams: { lua: constants + load('read-streams') },
    streamEnds: { lua: load('stream-ends') },
    inputEnds: { lua: constants + load('input-ends') },
    expireLease: { numberOfKeys: 2, lua: constants + load('expire-lease') },
    deleteStream: { numberOfKeys: 2, lua: constants + load('delete-stream') },
    scheduleLeaseCheck: { numberOfKeys: 1, lua: load('schedule-lease-check') },
    dueLeases: { numberOfKeys: 1, lua: load('due-leases') },
    compareAndSetScore: { numberOfKeys: 1, lua: load('compare-and-set-score') },
    noteStream: { numberOfKeys: 1, lua: load('note-stream') },
  };
}

/** A file of `scripts/`, with the files that it includes in place of their lines. */
function load(name: string): string {
  const text = readFileSync(new URL(`scripts/${name}.lua`, import.meta.url), 'utf8');
  return text.replaceAll(/^-- @include (\S+)$/gm, (_line, part: string) => load(part));
}

/** Cost of a status or a page in a script, in events that are appended. */
export const readCost = 4;

/** The reply of a script on a stream: an outcome and its details. */
export type Reply = readonly [outcome: Buffer, ...details: (number | Buffer | null)[]];

/**
 * The arguments of `append-events.lua` after what was scanned.
 *
 * @param mayBegin false when the stream could not be added to the index of its session
 */
export function appendArguments(
  events: readonly StoredEvent[],
  { producer, leaseMs = 0, ttlMs = 0, inputsAckOffset = -1 }: AppendOptions,
  mayBegin: boolean,
): { readonly args: Argument[]; readonly cost: number } {
  const plan = planAppend(events);
  const flags =
    (mayBegin ? 'b' : '') + (plan.mayFollowEnd ? 'l' : '') + (onlyEnds(plan) ? 'e' : '');
  const args = [
    plan.countedEvents,
    plan.countedBytes,
    flags,
    plan.rejection === null ? (plan.ending ?? '') : 'rejected',
    ttlMs,
    leaseMs,
    producer?.id ?? '',
    producer?.epoch ?? 0,
    producer?.seq ?? 0,
    inputsAckOffset,
    ...events.map((event) => event.bytes),
  ];
  return { args, cost: onlyEnds(plan) ? alone : args.length };
}

/** The cost of a call that has a script to itself: an append whose writes must not affect others, or a long read. */
export const alone = Number.POSITIVE_INFINITY;

/** @param packed the field `s` of a state */
export function isTombstone(packed: Buffer | null): boolean {
  return packed?.[statusAt] === deletedStatus;
}

/**
 * The result of an append from the reply of its script.
 *
 * @throws ServiceError as `StreamManager.appendEvents`
 */
export function toAppended(
  [outcome, detail, more, heartbeatFault]: Reply,
  events: readonly StoredEvent[],
  limits: StreamLimits,
): Appended {
  const number = Number(detail);
  const count = events.length;
  const inputsNextOffset = Number(more);
  switch (outcome.toString()) {
    case 'ok':
      return { offset: number, nextOffset: number + count, count, inputsNextOffset };
    case 'duplicate':
      if (heartbeatFault) throw heartbeatNotSaved(String(heartbeatFault), count);
      return { offset: number, nextOffset: number, count: 0, inputsNextOffset };
    case 'rejected':
      throw planAppend(events).rejection;
    case 'ended':
      throw streamEnded(String(detail));
    case 'full':
      throw streamFull(limits);
    case 'fenced':
      throw producerFenced(number);
    case 'gap':
      throw producerGap(number);
    case 'inputs_gap':
      throw inputsGap(number, Number(more));
    case 'inputs_unread':
      throw inputsUnread(number);
    case 'too_many_producers':
      throw tooManyProducers();
    default:
      throw new Error(`unknown outcome of the append script: ${outcome}`);
  }
}

/** An error for a retry whose events were stored before: only its lease or acknowledgement was not. */
function heartbeatNotSaved(fault: string, stored: number): ServiceError {
  const code = codeIn(fault) === 'OOM' ? 'store_full' : 'backend_unavailable';
  return new ServiceError(code, 'the heartbeat could not be saved', { stored });
}

/**
 * The result of `append-inputs.lua`; null when there is no stream.
 *
 * @throws ServiceError as `StreamManager.appendInputs`
 */
export function toStoredInputs(
  [outcome, detail, number]: readonly (string | number)[],
  limits: StreamLimits,
): StoredRange | null {
  switch (outcome) {
    case 'ok': {
      const [offset, count] = [Number(detail), Number(number)];
      return { offset, nextOffset: offset + count, count };
    }
    case 'none':
      return null;
    case 'conflict':
      throw inputConflict(String(detail));
    case 'ended':
      throw withMoreStored(streamEnded(String(detail), 'inputs'), Number(number));
    case 'full':
      throw inputsFull(limits, Number(detail));
    default:
      throw new Error(`unknown outcome of the script for inputs: ${outcome}`);
  }
}

/**
 * The status of a stream, the length of its lease (0 without one), and
 * the time until it expires (null when it does not), from the reply of `read-streams.lua` for it.
 *
 * @param defaultTtlMs time to live of a stream without its own
 */
export async function parseStatusReply(reply: unknown, defaultTtlMs: number) {
  const [, length, last, status, endedForMs, endedOffset, createdAt, updatedAt, ...rest] =
    reply as RawReply;
  const [livesMs, now, leaseMs, ownTtlMs, epoch, nextSeq, ...inputs] = rest;
  const [inputsNextOffset, ackOffset] = inputs;
  const ending = status.toString() as Ending | '';
  const info: StreamInfo = {
    nextOffset: length,
    lastEvent: await decodeInTurns(last),
    status: ending === '' ? 'open' : ending,
    endedForMs: ending === '' ? null : endedForMs,
    endedOffset: ending === '' ? null : endedOffset || length,
    createdAt,
    updatedAt,
    expiresAt: livesMs < 0 ? null : now + livesMs,
    ttlMs: ownTtlMs || defaultTtlMs,
    producer: epoch === null ? null : { epoch, nextSeq },
    inputs: { nextOffset: inputsNextOffset, ackOffset },
  };
  return { info, leaseMs, livesMs: livesMs < 0 ? null : livesMs };
}

/** The reply, in the order of `read-streams.lua`. */
type RawReply = [
  outcome: Buffer,
  length: number,
  last: Buffer,
  status: Buffer,
  endedForMs: number,
  endedOffset: number,
  createdAt: number,
  updatedAt: number,
  livesMs: number,
  now: number,
  leaseMs: number,
  ownTtlMs: number,
  epoch: number | null,
  nextSeq: number,
  inputsNextOffset: number,
  ackOffset: number,
];

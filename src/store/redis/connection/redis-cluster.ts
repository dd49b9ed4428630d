import { Cluster, type ClusterOptions, Command, type Redis } from 'ioredis';
import { Continuity } from '../../lease-rules.js';
import type { ConnectionLog } from './connection-log.js';
import { notConnected } from './redis-errors.js';
import { type ClientOptions, type RedisAddress, retryDelayMs } from './redis-options.js';

/** Delay between the loss of a node and the next refresh: until then the cluster may still count on it. */
const refreshDelayMs = 300;

export type RedisScripts = NonNullable<ClusterOptions['scripts']>;

export interface RedisClusterOptions {
  readonly scripts: RedisScripts;
  /** Options of the connection to each node. */
  readonly redisOptions: ClientOptions;
}

/**
 * A cluster client that sends a command only over an established connection, and sends it again only
 * after a node replied that it was not executed (MOVED, ASK, TRYAGAIN).
 */
export class RedisCluster extends Cluster {
  #refreshTimer: NodeJS.Timeout | null = null;
  /** Number of connection attempts under way. */
  #attempts = 0;
  #hasTriedAll = false;

  constructor(
    seeds: readonly RedisAddress[],
    options: RedisClusterOptions,
    readonly log: ConnectionLog,
  ) {
    super([...seeds], {
      ...options,
      clusterRetryStrategy: retryDelayMs,
      // These two would re-send commands that may have been executed, or delay those that fail fast here.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      // Names are resolved when connecting, since certificates have names, not addresses.
      dnsLookup: (host, done) => done(null, host),
    });
    const seedText = seeds.map(({ host, port }) => `${host}:${port}`).join(',');
    this.on('error', (error: ClusterError) => {
      log.noteFailure(seedText, error.lastNodeError ?? error);
    });
    this.on('ready', () => {
      log.noteSuccess(seedText);
      this.#noteStart();
    });
    this.on('+node', (node: Redis) => this.#take(node));
    this.on('-node', () => this.#refreshSoon());
  }

  /** Whether the client serves: at the start, not before it has tried every node. */
  get isUp(): boolean {
    return this.status === 'ready' && this.#hasTriedAll;
  }

  /** The addresses of all known nodes. */
  get addresses(): RedisAddress[] {
    return this.nodes().map(addressOf);
  }

  /** The connection to the node that owns this key, as far as is known. */
  ownerOf(key: string): Redis | undefined {
    return this.#ownerOf(this.slotOf(key));
  }

  slotOf(key: string): number {
    return new Command('exists', [key]).getSlot() as number;
  }

  override sendCommand(...[command, ...rest]: Parameters<Cluster['sendCommand']>): unknown {
    // `cluster` is the command that the client itself sends while it connects.
    if (command.name === 'cluster' || this.#isReachable(command)) {
      return super.sendCommand(command, ...rest);
    }
    command.reject(notConnected());
    return command.promise;
  }

  /** After too many redirections, the last one becomes the error: it proves that nothing was executed. */
  override handleError(...[error, ttl, handlers]: Parameters<Cluster['handleError']>): void {
    super.handleError(error, ttl, { ...handlers, maxRedirections: handlers.defaults });
  }

  override disconnect(reconnect = false): void {
    if (this.#refreshTimer !== null) clearTimeout(this.#refreshTimer);
    this.#refreshTimer = null;
    super.disconnect(reconnect);
  }

  #isReachable(command: Command): boolean {
    if (this.status !== 'ready') return false;
    const slot = command.getSlot() as number | null;
    if (slot === null) return true;
    const node = this.#ownerOf(slot);
    return node !== undefined && takesCommands(node);
  }

  #ownerOf(slot: number): Redis | undefined {
    const owner = this.slots[slot]?.[0];
    return this.nodes().find(({ options }) => `${options.host}:${options.port}` === owner);
  }

  /** Connects to a new node at once, so that no command has to wait for it. */
  #take(node: Redis): void {
    const { host, port } = addressOf(node);
    this.log.follow(node, `${host}:${port}`, { examines: true });
    this.#attempts += 1;
    const settle = () => {
      this.#attempts -= 1;
      this.#noteStart();
    };
    node.connect().then(settle, settle); // the connection log has the error
    // ioredis drops the promise of the ASKING that it sends: a rejection would end the process.
    const ask = node.asking.bind(node);
    node.asking = (() => ask().catch(() => {})) as typeof node.asking;
  }

  #noteStart(): void {
    this.#hasTriedAll ||= this.status === 'ready' && this.#attempts === 0;
  }

  #refreshSoon(): void {
    if (this.status !== 'ready') return;
    this.#refreshTimer ??= setTimeout(() => {
      this.#refreshTimer = null;
      if (this.status === 'ready') this.refreshSlotsCache();
    }, refreshDelayMs);
  }
}

export function takesCommands({ status, stream }: Redis): boolean {
  return status === 'ready' && stream.writable;
}

/** The error of ioredis when no node was reachable. */
interface ClusterError extends Error {
  readonly lastNodeError?: Error;
}

function addressOf({ options }: Redis): RedisAddress {
  return { host: options.host as string, port: options.port as number };
}

/**
 * Tracks since when each primary of a cluster has been reachable without a break. A reply of another
 * node proves nothing about it.
 */
export class ClusterContinuity {
  /** A node that was lost gets another connection, and so a new continuity. */
  readonly #continuities = new WeakMap<Redis, Continuity>();
  /** The results of the last check. */
  #since = new Map<Redis, Promise<number>>();

  constructor(readonly cluster: RedisCluster) {}

  /** Asks each primary whether it serves. If one hangs, only its own streams wait for its reply. */
  check(now: number): void {
    const primaries = this.cluster.nodes('master');
    this.#since = new Map(primaries.map((node) => [node, this.#ask(node, now)]));
  }

  /** Since when the owner of this key has been reachable; the time of the check if it did not respond. */
  async since(key: string, checkedAt: number): Promise<number> {
    const owner = this.cluster.ownerOf(key);
    return (owner && (await this.#since.get(owner))) ?? checkedAt;
  }

  async #ask(node: Redis, now: number): Promise<number> {
    const continuity = this.#continuities.get(node) ?? new Continuity();
    this.#continuities.set(node, continuity);
    const askedAt = performance.now();
    const serves = await isServing(node);
    const repliedAt = now + performance.now() - askedAt;
    if (serves) continuity.note(repliedAt);
    else continuity.noteBreak();
    return serves ? continuity.since : repliedAt;
  }
}

/** Whether a primary serves: one that has lost the majority rejects writes, and reports it here. */
async function isServing(node: Redis): Promise<boolean> {
  try {
    return /cluster_state:ok/.test(await node.cluster('INFO'));
  } catch {
    return false;
  }
}

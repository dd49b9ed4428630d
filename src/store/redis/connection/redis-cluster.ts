import { Cluster, type ClusterOptions, Command, type Redis } from 'ioredis';
import type { ConnectionLog } from './connection-log.js';
import { notConnected } from './redis-errors.js';
import { type ClientOptions, type RedisAddress, retryDelayMs } from './redis-options.js';

/** Between the loss of a node and asking the cluster again, which may still count on it. */
const refreshDelayMs = 300;

export type RedisScripts = NonNullable<ClusterOptions['scripts']>;

export interface RedisClusterOptions {
  readonly scripts: RedisScripts;
  /** Of the connection to each node. */
  readonly redisOptions: ClientOptions;
}

/**
 * A cluster client that sends a command only over a connection that stands, and sends it again
 * only where a node said that it did not carry it out (MOVED, ASK, TRYAGAIN).
 */
export class RedisCluster extends Cluster {
  #refreshTimer: NodeJS.Timeout | null = null;
  /** How many connections have neither come about nor failed yet. */
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
      // These two would send again what may have been carried out, and wait where we do not.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      // Names are resolved when connecting: certificates hold names, not addresses.
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

  /** Whether it serves what it can: not before it has tried every node at the start. */
  get isUp(): boolean {
    return this.status === 'ready' && this.#hasTriedAll;
  }

  /** Of all nodes that are known. */
  get addresses(): RedisAddress[] {
    return this.nodes().map(addressOf);
  }

  /** The connection to the node that has this key, as far as is known. */
  ownerOf(key: string): Redis | undefined {
    return this.#ownerOf(new Command('exists', [key]).getSlot() as number);
  }

  override sendCommand(...[command, ...rest]: Parameters<Cluster['sendCommand']>): unknown {
    // `cluster` is what the client itself asks while it connects.
    if (command.name === 'cluster' || this.#isReachable(command)) {
      return super.sendCommand(command, ...rest);
    }
    command.reject(notConnected());
    return command.promise;
  }

  /** After too many redirections, the last of them is the error: it says that nothing was done. */
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

  /** Connects at once, so that no command has to wait for it. */
  #take(node: Redis): void {
    const { host, port } = addressOf(node);
    this.log.follow(node, `${host}:${port}`, { examines: true });
    this.#attempts += 1;
    const settle = () => {
      this.#attempts -= 1;
      this.#noteStart();
    };
    node.connect().then(settle, settle); // the log has why it failed
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

/** What ioredis says when no node could be asked. */
interface ClusterError extends Error {
  readonly lastNodeError?: Error;
}

function addressOf({ options }: Redis): RedisAddress {
  return { host: options.host as string, port: options.port as number };
}

import { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import { ConnectionLog } from './connection-log.js';
import { RedisCluster, type RedisScripts, takesCommands } from './redis-cluster.js';
import {
  type ClientOptions,
  connectionOptions,
  endpointOptions,
  type RedisAddress,
  type RedisOptions,
  retryDelayMs,
} from './redis-options.js';

/** A client for commands. */
export type CommandClient = Redis | RedisCluster;

/** Whether commands can be sent; in a cluster, to the nodes that are reachable. */
export function isConnected(client: CommandClient): boolean {
  return client instanceof RedisCluster ? client.isUp : takesCommands(client);
}

const defaultReplyTimeoutMs = 2000;

/**
 * A client whose commands succeed or fail within about `replyTimeoutMs`, and are never sent twice: a command
 * that ioredis would re-send after a lost connection may have been executed already.
 *
 * @param scripts become methods of the client under their names
 */
export function createCommandClient(
  options: RedisOptions,
  logger: BaseLogger,
  scripts: RedisScripts,
): CommandClient {
  const { replyTimeoutMs = defaultReplyTimeoutMs } = options;
  const log = new ConnectionLog(logger, 'rejoin');
  const guarded: ClientOptions = {
    ...connectionOptions(options),
    connectionName: 'rejoin',
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: replyTimeoutMs,
    socketTimeout: 2.5 * replyTimeoutMs,
  };
  if (options.mode === 'cluster') {
    return new RedisCluster(options.addresses, { scripts, redisOptions: guarded }, log);
  }
  const client = new Redis({
    ...guarded,
    ...endpointOptions(options),
    scripts,
    retryStrategy: retryDelayMs,
    enableOfflineQueue: false,
  });
  prepare(client, options, log, { examines: true });
  return client;
}

/**
 * A client for subscriptions alone, which retries its connection for ever.
 *
 * @param commands knows the nodes of a cluster, each of which gets every notification
 */
export function createSubscriberClient(
  options: RedisOptions,
  logger: BaseLogger,
  commands: CommandClient,
): Redis {
  let attempts = 0;
  const client = new Redis({
    ...connectionOptions(options),
    ...endpointOptions(options),
    connectionName: 'rejoin-subscriber',
    maxRetriesPerRequest: null,
    // `RedisNotifications` subscribes again, to be told when that is done.
    autoResubscribe: false,
    retryStrategy: (attempt) => {
      if (commands instanceof RedisCluster) {
        const nodes = [...commands.addresses, ...options.addresses];
        // ioredis reads the address from its options at each attempt.
        Object.assign(client.options, nodes[attempts % nodes.length]);
        attempts += 1;
      }
      return retryDelayMs(attempt);
    },
  });
  const log = new ConnectionLog(logger, 'rejoin-subscriber');
  prepare(client, options, log, { examines: false });
  return client;
}

function prepare(
  client: Redis,
  options: RedisOptions,
  log: ConnectionLog,
  { examines }: { examines: boolean },
): void {
  client.on('error', (error: Error) => leaveWrongDatabase(client, error));
  log.follow(client, addressText(options.addresses), { examines });
  if (options.mode === 'sentinel') followPrimary(client, options);
}

/** Disconnects when SELECT fails, where ioredis would continue in database 0. */
function leaveWrongDatabase(client: Redis, error: Error): void {
  if (/DB index is out of range|invalid DB index/i.test(error.message)) client.disconnect(true);
}

function addressText(addresses: readonly RedisAddress[]): string {
  return addresses.map(({ host, port }) => `${host}:${port}`).join(',');
}

const switchChannel = '+switch-master';

/**
 * Makes a client leave its primary as soon as a sentinel announces another one. The old primary, if it
 * is alive, is told some ten seconds later, and until then acknowledges writes that will be lost. It
 * subscribes to all sentinels: one that is not up to date would send the client back.
 */
function followPrimary(client: Redis, options: RedisOptions): void {
  const listeners = options.addresses.map((address) =>
    listen(sentinelClient(address, options), (message) => {
      const [name, , , host, port] = message.split(' ');
      if (name === options.sentinelName && !isConnectedTo(client, `${host}:${port}`)) {
        client.disconnect(true);
      }
    }),
  );
  client.on('end', () => {
    for (const listener of listeners) listener.disconnect();
  });
}

function sentinelClient({ host, port }: RedisAddress, options: RedisOptions): Redis {
  return new Redis({
    ...connectionOptions({ ...options, username: undefined, db: 0 }),
    host,
    port,
    connectionName: 'rejoin-sentinel',
    retryStrategy: retryDelayMs,
    maxRetriesPerRequest: null,
    // ioredis drops the promise of its own attempt: a rejection would end the process.
    autoResubscribe: false,
  });
}

function listen(sentinel: Redis, onSwitch: (message: string) => void): Redis {
  sentinel.on('error', () => {}); // it retries, and the client itself connects through the others
  sentinel.on('ready', () => {
    sentinel.subscribe(switchChannel).catch(() => {}); // the connection was lost: it retries
  });
  sentinel.on('message', (_channel, message: string) => onSwitch(message));
  return sentinel;
}

/** Also true without a connection, as the next one will go where the sentinels say. */
function isConnectedTo({ status, stream }: Redis, address: string): boolean {
  if (status !== 'ready' && status !== 'connect') return true;
  return `${stream.remoteAddress}:${stream.remotePort}` === address;
}

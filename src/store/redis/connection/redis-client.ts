import { Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import { ConnectionLog } from './connection-log.js';
import { followPrimary } from './follow-primary.js';
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

/** Whether commands can be sent: in a cluster, to what there is of it. */
export function isConnected(client: CommandClient): boolean {
  return client instanceof RedisCluster ? client.isUp : takesCommands(client);
}

/** Has what is sent until the running callback returns leave in one write; in a cluster, as it comes. */
export function holdWrites(client: CommandClient): void {
  if (client instanceof RedisCluster) return;
  const { stream } = client;
  if (stream.writableCorked > 0) return;
  stream.cork();
  queueMicrotask(() => stream.uncork());
}

const usualAnswerMs = 2000;

/**
 * A client that answers or fails within about `answerMs`, and never sends a command twice: what
 * ioredis would re-send after a lost connection may have been carried out already.
 *
 * @param scripts each a method of the client, under its name
 */
export function createCommandClient(
  options: RedisOptions,
  logger: BaseLogger,
  scripts: RedisScripts,
): CommandClient {
  const { answerMs = usualAnswerMs } = options;
  const log = new ConnectionLog(logger, 'rejoin');
  const guarded: ClientOptions = {
    ...connectionOptions(options),
    connectionName: 'rejoin',
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: answerMs,
    socketTimeout: 2.5 * answerMs,
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
 * A client for subscriptions alone. It waits for its connection as long as it takes.
 *
 * @param commands in a cluster, it knows the nodes; any of them gets every notification
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
    // `RedisNotifications` subscribes again itself, to know when it is done.
    autoResubscribe: false,
    retryStrategy: (attempt) => {
      if (commands instanceof RedisCluster) {
        const nodes = [...commands.addresses, ...options.addresses];
        // ioredis reads where to connect anew each time.
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

/** When SELECT fails, ioredis goes on in database 0: another one than was asked for. */
function leaveWrongDatabase(client: Redis, error: Error): void {
  if (/DB index is out of range|invalid DB index/i.test(error.message)) client.disconnect(true);
}

function addressText(addresses: readonly RedisAddress[]): string {
  return addresses.map(({ host, port }) => `${host}:${port}`).join(',');
}

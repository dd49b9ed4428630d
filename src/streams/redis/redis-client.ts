import { type RedisOptions as AnyClientOptions, Redis } from 'ioredis';
import type { BaseLogger } from 'pino';
import {
  appendScript,
  dueLeasesScript,
  endLostScript,
  hintLeaseScript,
  readPageScript,
  settleLeaseScript,
  statusScript,
} from './redis-scripts.js';

export interface RedisOptions {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  /** In front of every key, byte for byte. */
  readonly prefix: string;
}

type ClientOptions = Omit<AnyClientOptions, 'replyMapping'>;
type Argument = string | number | Buffer;
type StreamScript = (list: string, state: string, ...args: Argument[]) => Promise<unknown>;
type OneKeyScript = (key: string, ...args: Argument[]) => Promise<unknown>;

/** A client with our scripts. The `Buffer` variants return bulk strings as bytes. */
export type CommandClient = Redis & {
  appendEventsBuffer: StreamScript;
  streamStatusBuffer: StreamScript;
  endLostBuffer: StreamScript;
  readPageBuffer: OneKeyScript;
  hintLease: OneKeyScript;
  dueLeases: OneKeyScript;
  settleLease: OneKeyScript;
};

const scripts = {
  appendEvents: { numberOfKeys: 2, lua: appendScript },
  streamStatus: { numberOfKeys: 2, lua: statusScript },
  endLost: { numberOfKeys: 2, lua: endLostScript },
  readPage: { numberOfKeys: 1, lua: readPageScript },
  hintLease: { numberOfKeys: 1, lua: hintLeaseScript },
  dueLeases: { numberOfKeys: 1, lua: dueLeasesScript },
  settleLease: { numberOfKeys: 1, lua: settleLeaseScript },
};

/**
 * A client that answers or fails within about two seconds and never sends a command twice: what
 * ioredis would re-send after a lost connection may have been carried out already.
 */
export function createCommandClient(options: RedisOptions, logger: BaseLogger): CommandClient {
  const client = connect(options, logger, {
    connectionName: 'rejoin',
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: 2000,
    socketTimeout: 5000,
    scripts,
  });
  return client as CommandClient;
}

/** A client for subscriptions alone. It waits for its connection as long as it takes. */
export function createSubscriberClient(options: RedisOptions, logger: BaseLogger): Redis {
  return connect(options, logger, {
    connectionName: 'rejoin-subscriber',
    maxRetriesPerRequest: null,
    // `RedisWakeUps` subscribes again by itself, to know when it is done.
    autoResubscribe: false,
  });
}

function connect(options: RedisOptions, logger: BaseLogger, guards: ClientOptions): Redis {
  const { host, port, username, password, db } = options;
  const settings: ClientOptions = {
    host,
    port,
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    connectTimeout: 3000,
    keepAlive: 10_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), 1000),
    // A primary that became a replica refuses writes: look for the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...guards,
  };
  const client = new Redis(settings);
  client.on('error', (error: Error) => leaveWrongDatabase(client, error));
  logOutages(client, { redis: `${host}:${port}`, client: settings.connectionName }, logger);
  return client;
}

/** When SELECT fails, ioredis goes on in database 0: another one than was asked for. */
function leaveWrongDatabase(client: Redis, error: Error): void {
  if (/DB index is out of range|invalid DB index/i.test(error.message)) client.disconnect(true);
}

/** One line when Redis goes and one when it is back, however many attempts lie between. */
function logOutages(client: Redis, fields: object, logger: BaseLogger): void {
  let isDown = false;
  client.on('error', (error: Error) => {
    if (!isDown) logger.error({ ...fields, reason: error.message }, 'Redis is unreachable');
    isDown = true;
  });
  client.on('ready', () => {
    logger.info(fields, 'Redis is connected');
    isDown = false;
  });
}

import { Redis } from 'ioredis';
import {
  connectionOptions,
  type RedisAddress,
  type RedisOptions,
  retryDelayMs,
} from './redis-options.js';

const switchChannel = '+switch-master';

/**
 * Makes a client leave its primary as soon as a sentinel says that another one has taken over. The
 * old one, if it lives, learns of it some ten seconds later, and acknowledges until then what will
 * be lost. All sentinels are listened to: one that is asked before it knows sends the client back.
 */
export function followPrimary(client: Redis, options: RedisOptions): void {
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
  sentinel.on('error', () => {}); // it retries, and the client itself asks the others
  sentinel.on('ready', () => {
    sentinel.subscribe(switchChannel).catch(() => {}); // the connection has gone: it retries
  });
  sentinel.on('message', (_channel, message: string) => onSwitch(message));
  return sentinel;
}

/** True also while there is no connection, as the next one is made by what the sentinels say. */
function isConnectedTo({ status, stream }: Redis, address: string): boolean {
  if (status !== 'ready' && status !== 'connect') return true;
  return `${stream.remoteAddress}:${stream.remotePort}` === address;
}

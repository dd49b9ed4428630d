import { Redis } from 'ioredis';
import {
  connectionOptions,
  type RedisAddress,
  type RedisOptions,
  retryDelayMs,
} from './redis-options.js';

const switchChannel = '+switch-master';

/**
 * Makes a client leave its primary as soon as a sentinel announces another one. The old primary, if it
 * is alive, is told some ten seconds later, and until then acknowledges writes that will be lost. It
 * subscribes to all sentinels: one that is not up to date would send the client back.
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

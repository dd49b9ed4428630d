import type { RedisOptions as AnyClientOptions } from 'ioredis';
import { replyCode } from './redis-errors.js';

export const redisModes = ['standalone', 'cluster', 'sentinel'] as const;

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** Where Redis is and how it is spoken to. */
export interface RedisOptions {
  readonly mode: (typeof redisModes)[number];
  /** Of the server, of some nodes of the cluster, or of the sentinels. */
  readonly addresses: readonly RedisAddress[];
  /** The name that the sentinels know the primary by. */
  readonly sentinelName: string | undefined;
  /** Null without TLS. */
  readonly tls: RedisTls | null;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  /** In front of every key, byte for byte. */
  readonly prefix: string;
  /** How long the answer to a command may take; by default two seconds. */
  readonly answerMs?: number;
}

export interface RedisTls {
  /** The name in the certificates, where it is not the host that is connected to. */
  readonly serverName: string | undefined;
  /** PEM: whose certificates are trusted, instead of the authorities that Node.js knows. */
  readonly certificates: string | undefined;
}

export type ClientOptions = Omit<AnyClientOptions, 'replyMapping'>;

/** What all connections have in common, whatever they are for. */
export function connectionOptions(options: RedisOptions): ClientOptions {
  const { username, password, db, tls } = options;
  return {
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === null ? {} : { tls: tlsOptions(tls) }),
    connectTimeout: 3000,
    // How long a connection that is given up may still answer what is under way.
    disconnectTimeout: 200,
    keepAlive: 10_000,
    // The name of the library in CLIENT LIST would take a further right.
    disableClientInfo: true,
    // A primary that became a replica rejects writes: connect to the new one.
    reconnectOnError: (error) => replyCode(error) === 'READONLY',
  };
}

/**
 * Where a client that is no cluster client connects to. Sentinels get the password without the
 * name: it is that of their default user, and one without a password takes any.
 */
export function endpointOptions(options: RedisOptions): ClientOptions {
  const { mode, addresses, sentinelName, password, tls } = options;
  if (mode !== 'sentinel') return { ...addresses[0] };
  return {
    sentinels: [...addresses],
    ...(sentinelName === undefined ? {} : { name: sentinelName }),
    ...(password === undefined ? {} : { sentinelPassword: password }),
    ...(tls === null ? {} : { sentinelTLS: tlsOptions(tls), enableTLSForSentinelMode: true }),
    sentinelCommandTimeout: 2000,
    sentinelRetryStrategy: retryDelayMs,
  };
}

/** Short at first, then a second. */
export function retryDelayMs(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), 1000);
}

function tlsOptions({ serverName, certificates }: RedisTls): { servername?: string; ca?: string } {
  return {
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(certificates === undefined ? {} : { ca: certificates }),
  };
}

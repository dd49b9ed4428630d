import type { RedisOptions as AnyClientOptions } from 'ioredis';
import { replyCode } from './redis-errors.js';

export const redisModes = ['standalone', 'cluster', 'sentinel'] as const;

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** The addresses, credentials and protocol options of Redis. */
export interface RedisOptions {
  readonly mode: (typeof redisModes)[number];
  /** The address of the server, or those of some nodes of the cluster or of the sentinels. */
  readonly addresses: readonly RedisAddress[];
  /** The name of the primary at the sentinels. */
  readonly sentinelName: string | undefined;
  /** The options of TLS; null without TLS. */
  readonly tls: RedisTls | null;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  /** The prefix of every key, used byte for byte. */
  readonly prefix: string;
  /** Timeout of a command; two seconds by default. */
  readonly replyTimeoutMs?: number;
}

export interface RedisTls {
  /** The name in the certificates, if it differs from the host. */
  readonly serverName: string | undefined;
  /** The trusted authorities in PEM, instead of those of Node.js. */
  readonly certificates: string | undefined;
}

export type ClientOptions = Omit<AnyClientOptions, 'replyMapping'>;

/** The options that all connections share. */
export function connectionOptions(options: RedisOptions): ClientOptions {
  const { username, password, db, tls } = options;
  return {
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === null ? {} : { tls: tlsOptions(tls) }),
    connectTimeout: 3000,
    // How long a connection that is closed may still deliver pending replies.
    disconnectTimeout: 200,
    keepAlive: 10_000,
    // To set the name of the library would need a further ACL permission.
    disableClientInfo: true,
    // A primary that became a replica rejects writes: connect to the new one.
    reconnectOnError: (error) => replyCode(error) === 'READONLY',
  };
}

/**
 * The endpoint of a client outside a cluster. Sentinels get the password without a user name: it is that
 * of their default user, and a sentinel without a password accepts any.
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

/** Backoff between attempts: short at first, then one second. */
export function retryDelayMs(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), 1000);
}

function tlsOptions({ serverName, certificates }: RedisTls): { servername?: string; ca?: string } {
  return {
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(certificates === undefined ? {} : { ca: certificates }),
  };
}

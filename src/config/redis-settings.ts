import { z } from 'zod';
import { redisModes } from '../store/redis/connection/redis-options.js';
import { addresses, certificates, flag, optionalText, redisPrefix, wholeNumber } from './values.js';

/** The settings of Redis as they stand in `config.yaml`, with their defaults. */
export const redisSettingsSchema = z.strictObject({
  mode: z.enum(redisModes).default('standalone'),
  address: addresses.prefault('127.0.0.1:6379'),
  sentinel_name: optionalText,
  username: optionalText,
  password: optionalText,
  db: wholeNumber(0, 1e6).prefault(0),
  prefix: redisPrefix.default('stream:events'),
  tls: z.prefault(
    z.strictObject({
      enabled: flag.default(false),
      server_name: optionalText,
      ca_file: certificates,
    }),
    {},
  ),
});

/** Read apart from the rest and one by one, so that these faults are named beside any other. */
const relatedSettingsSchema = z.object({
  mode: z.enum(redisModes).default('standalone').catch('standalone'),
  address: addresses.optional().catch(undefined),
  sentinel_name: z.unknown().optional(),
  db: wholeNumber(0, 1e6).optional().catch(undefined),
  tls: z
    .object({
      enabled: flag.optional().catch(undefined),
      server_name: z.unknown().optional(),
      ca_file: z.unknown().optional(),
    })
    .prefault({}),
});

/** A setting below `stream_manager.redis`, and what is wrong with it. */
type RedisFault = readonly [setting: string, message: string];

/** Settings that are sound by themselves and do not go together. */
export function redisFaults(redis: unknown, hasUrl: boolean): RedisFault[] {
  const { data } = relatedSettingsSchema.safeParse(redis ?? {});
  if (data === undefined) return [];
  const { mode, address = [], sentinel_name, db = 0, tls } = data;
  const rules: [isBroken: boolean, ...RedisFault][] = [
    [
      mode === 'standalone' && address.length > 1,
      'address',
      'must be one address in the mode standalone; several are for cluster and sentinel',
    ],
    [
      mode === 'sentinel' && !isSet(sentinel_name),
      'sentinel_name',
      'must be set in the mode sentinel: the name that the sentinels know the primary by',
    ],
    [
      mode === 'sentinel' && hasUrl,
      'mode',
      'is sentinel, and REDIS_URL names a server and no sentinel: set REDIS_ADDR instead',
    ],
    [mode !== 'sentinel' && isSet(sentinel_name), 'sentinel_name', 'is for the mode sentinel only'],
    [mode === 'cluster' && db !== 0, 'db', 'must be 0 in the mode cluster'],
    [!tls.enabled && isSet(tls.server_name), 'tls.server_name', withoutTls],
    [!tls.enabled && isSet(tls.ca_file), 'tls.ca_file', withoutTls],
  ];
  return rules.flatMap(([isBroken, ...fault]) => (isBroken ? [fault] : []));
}

const withoutTls = 'has no effect unless tls.enabled is set';

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

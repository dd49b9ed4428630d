import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { checkTogether } from './checks.js';
import { dotenvFaults } from './dotenv.js';
import { readerFaults, takesReaderTokens, toReaderOptions } from './reader-settings.js';
import { redisFaults, type redisSettingsSchema } from './redis-settings.js';
import { spreadRedisUrl } from './redis-url.js';
import { environmentNames, settingsSchema } from './settings.js';
import { closest, type SettingWarning, unknownVariables } from './unknown.js';
import { flag, isLoopback } from './values.js';
import { dropUnread, insecureFaults, insecureSwitch } from './weknora.js';

/** Secrets and keys that may be mounted as files, and the variables that name those. */
const fileVariables = {
  REDIS_PASSWORD: 'REDIS_PASSWORD_FILE',
  AUTH_READER_SECRET: 'AUTH_READER_SECRET_FILE',
  AUTH_READER_PUBLIC_KEY: 'AUTH_READER_PUBLIC_KEY_FILE',
} as const;

export const environmentVariables: readonly string[] = [
  'CONFIG_FILE',
  'DEFAULT_HOST',
  'REDIS_URL',
  ...Object.values(environmentNames),
  ...Object.values(fileVariables),
];

/** A time to live of 0 means this one, as in the system whose Redis this service may share. */
const ttlForZeroMs = 24 * 3_600_000;

export type Config = ReturnType<typeof toConfig>;

type Environment = Readonly<Record<string, string | undefined>>;

/** The service cannot start with these settings. The message names every fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly faults: readonly string[]) {
    super(
      `The settings have ${faults.length} fault(s):\n${faults.map((f) => `  ${f}`).join('\n')}`,
    );
  }
}

/**
 * Reads `config.yaml` (or `CONFIG_FILE`), then `.env`, then the environment, which wins.
 *
 * @param directory where the two files are looked for
 * @throws ConfigError
 */
export function loadConfig(environment: Environment, directory: string): Config {
  const dotenvPath = resolve(directory, '.env');
  const dotenv = readIfThere(dotenvPath)?.replace(/^\uFEFF/, '') ?? '';
  const given = { ...withoutEmpty(parseEnv(dotenv)), ...withoutEmpty(environment) };
  const variables = { ...given };
  const path = resolve(directory, given.CONFIG_FILE ?? 'config.yaml');
  const document = readYaml(path, given.CONFIG_FILE !== undefined);
  const unread = dropUnread(document);
  const sourceFaults = [
    ...dotenvFaults(dotenvPath, dotenv),
    ...insecureFaults(variables),
    ...readFiles(variables),
    ...spreadRedisUrl(variables),
  ];
  applyEnvironment(document, variables);
  const parsed = settingsSchema.safeParse(document);
  const checked = parsed.success ? checkTogether(parsed.data, given) : null;
  const faults = [
    ...sourceFaults,
    ...schemaFaults(parsed.error, path),
    ...accessFaults(document),
    ...conflictingReaderFaults(document),
    ...conflictingRedisFaults(document, given.REDIS_URL !== undefined),
    ...(checked?.faults ?? []),
  ];
  if (checked === null || faults.length > 0) throw new ConfigError(faults);
  const unknown = unknownVariables(given, [...environmentVariables, insecureSwitch]);
  return toConfig(checked.settings, [...unread, ...unknown, ...checked.warnings]);
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new ConfigError([`${path}: cannot be read: ${(error as Error).message}`]);
  }
}

function withoutEmpty(variables: Environment): Record<string, string> {
  const entries = Object.entries(variables).filter(
    ([, value]) => value !== undefined && value !== '',
  );
  return Object.fromEntries(entries) as Record<string, string>;
}

type Document = Record<string, unknown>;

/** The messages have the place and the kind, as those of the parser quote what may be a secret. */
function readYaml(path: string, mustExist: boolean): Document {
  const content = readIfThere(path);
  if (content === null) {
    if (!mustExist) return {};
    throw new ConfigError([`CONFIG_FILE: there is no file ${path}`]);
  }
  const yaml = parseDocument(content, { logLevel: 'error' }); // or it warns on stderr, with contents
  const faults = [...yaml.errors, ...yaml.warnings].map(({ code, linePos }) => {
    const kind = code.toLowerCase().replaceAll('_', ' ');
    return `${path}, line ${linePos?.[0].line}, column ${linePos?.[0].col}: ${kind}`;
  });
  if (faults.length > 0) throw new ConfigError(faults);
  const document: unknown = resolveAliases(yaml, path) ?? {};
  if (isDocument(document)) return document;
  throw new ConfigError([`${path}: must be a mapping`]);
}

function resolveAliases(yaml: { toJS(): unknown }, path: string): unknown {
  try {
    return yaml.toJS();
  } catch {
    throw new ConfigError([`${path}: has an alias (*name) without its anchor, or far too many`]);
  }
}

function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Takes what is in files from there. Returns what is wrong with that. */
function readFiles(variables: Record<string, string>): string[] {
  return Object.entries(fileVariables).flatMap(([name, fileName]) => {
    const path = variables[fileName];
    if (path === undefined) return [];
    if (variables[name] !== undefined) return [`${fileName}: is set together with ${name}`];
    const content = readIfThere(path);
    if (content === null) return [`${fileName}: there is no file ${path}`];
    variables[name] = content.replace(/\r?\n$/, '');
    return [];
  });
}

function applyEnvironment(document: Document, variables: Record<string, string>): void {
  for (const [path, name] of Object.entries(environmentNames)) {
    setAt(document, path.split('.'), variables[name]);
  }
  // What an image sets in place of loopback, below whatever its user sets.
  const { server } = document;
  if (isDocument(server) && server.host === undefined) server.host = variables.DEFAULT_HOST;
}

/** Makes the sections on the way, also those of which YAML has nothing but the name. */
function setAt(document: Document, path: readonly string[], value: string | undefined): void {
  const [key, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) {
    if (value !== undefined) document[key] = value;
    return;
  }
  document[key] ??= {};
  const inner = document[key];
  // Anything else is a fault that the schema reports.
  if (isDocument(inner)) setAt(inner, rest, value);
}

/** One fault a setting: the first check that fails says enough. */
function schemaFaults(error: z.ZodError | undefined, file: string): string[] {
  const faults = new Map<string, string[]>();
  for (const issue of error?.issues ?? []) {
    const path = issue.path.join('.');
    if (!faults.has(path)) faults.set(path, toFaults(path, issue, file));
  }
  return [...faults.values()].flat();
}

function toFaults(path: string, issue: z.core.$ZodIssue, file: string): string[] {
  if (issue.code !== 'unrecognized_keys') return [`${nameOf(path)}: ${issue.message}`];
  const place = path === '' ? '' : `${path}.`;
  return issue.keys.map((key) => {
    const meant = closest(place + key, Object.keys(environmentNames));
    const hint = meant === null ? '' : `; did you mean ${meant}?`;
    return `${place}${key}: there is no such setting (in ${file})${hint}`;
  });
}

function nameOf(path: string): string {
  const settings = Object.entries(environmentNames);
  const variable = settings.find(([name]) => `${path}.`.startsWith(`${name}.`))?.[1];
  return variable === undefined ? path : `${path} (${variable})`;
}

/** Settings of readers' tokens that do not go together. */
function conflictingReaderFaults(document: Document): string[] {
  return readerFaults(document).map(
    ([setting, message]) => `${nameOf(`auth.${setting}`)}: ${message}`,
  );
}

/** Settings of Redis that do not go together. */
function conflictingRedisFaults(document: Document, hasUrl: boolean): string[] {
  const { data } = z
    .object({ stream_manager: z.object({ redis: z.unknown() }) })
    .safeParse(document);
  return redisFaults(data?.stream_manager.redis, hasUrl).map(
    ([setting, message]) => `${nameOf(`stream_manager.redis.${setting}`)}: ${message}`,
  );
}

/** Read apart from the rest, so that these faults are named beside any other. */
const accessSchema = z.object({
  server: z.object({ host: z.string().default('127.0.0.1') }).prefault({}),
  auth: z.object({ disabled: flag.default(false), api_keys: z.unknown().optional() }).prefault({}),
});

/** Without keys, whoever reaches the port may write everything; tokens are for readers only. */
function accessFaults(document: Document): string[] {
  const { data } = accessSchema.safeParse(document);
  if (data === undefined) return [];
  const { disabled, api_keys = null } = data.auth;
  const hasKeys = api_keys !== null && !isEmptyList(api_keys);
  if (disabled && (hasKeys || takesReaderTokens(document))) {
    const others = hasKeys ? 'keys' : 'settings for the tokens of readers';
    return [
      `${nameOf('auth.disabled')}: is true, and there are ${others}: take away the one or the other`,
    ];
  }
  if (disabled || hasKeys || isLoopback(data.server.host)) return [];
  return [
    `${nameOf('server.host')}: ${data.server.host} is not a loopback address, and there are no ` +
      'keys: anybody who reaches it could append, and delete. Set AUTH_API_KEYS, bind ' +
      '127.0.0.1, or set AUTH_DISABLED=true',
  ];
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function toConfig(settings: z.infer<typeof settingsSchema>, warnings: readonly SettingWarning[]) {
  const { server, log, stream_manager, limits, feed, auth, cors, inspector, docs } = settings;
  const { memory, redis, ttl, max_ttl, max_age, type } = stream_manager;
  return {
    server: {
      host: server.host,
      isLoopback: isLoopback(server.host),
      port: server.port,
      drainDelayMs: server.drain_delay,
      maxConnections: server.max_connections,
      trustProxy: server.trust_proxy,
      allowedHosts: server.allowed_hosts,
    },
    log: { level: log.level },
    streamManager: {
      type,
      ttlMs: ttl === 0 ? ttlForZeroMs : ttl,
      maxTtlMs: max_ttl,
      maxAgeMs: max_age,
      memory: { maxBytes: memory.max_bytes, maxStreams: memory.max_streams },
      redis: toRedisOptions(redis),
    },
    limits: {
      eventBytes: limits.event_bytes,
      bodyBytes: limits.body_bytes,
      bodiesInFlight: limits.bodies_in_flight,
      streamEvents: limits.stream_events,
      streamBytes: limits.stream_bytes,
      sessionStreams: limits.session_streams,
      rates: {
        appendsPerKey: limits.appends_per_key,
        appendsPerAddress: limits.appends_per_address,
        feedsPerKey: limits.feeds_per_key,
        feedsPerAddress: limits.feeds_per_address,
      },
    },
    feed: {
      pollIntervalMs: feed.poll_interval,
      heartbeatMs: feed.heartbeat,
      lingerMs: feed.linger,
      waitMs: feed.wait,
      maxAgeMs: feed.max_age,
      maxFeeds: feed.max_feeds,
      maxFeedsPerStream: feed.max_feeds_per_stream,
    },
    auth: {
      isDisabled: auth.disabled,
      apiKeys: auth.api_keys,
      reader: toReaderOptions(auth),
    },
    cors,
    // A tool for whoever builds with the service: on their own machine it is just there.
    inspector: {
      isEnabled: inspector.enabled === 'auto' ? isLoopback(server.host) : inspector.enabled,
    },
    docs: { isEnabled: docs.enabled },
    warnings,
  };
}

function toRedisOptions(settings: z.infer<typeof redisSettingsSchema>) {
  const { address, sentinel_name, tls, ...rest } = settings;
  return {
    ...rest,
    addresses: address,
    sentinelName: sentinel_name,
    tls: tls.enabled ? { serverName: tls.server_name, certificates: tls.ca_file } : null,
  };
}

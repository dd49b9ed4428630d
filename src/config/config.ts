import { resolve } from 'node:path';
import type { z } from 'zod';
import type { ReaderTokenOptions } from '../auth/reader-tokens.js';
import {
  contradictionErrors,
  limitFeeds,
  settingWarnings,
  takesReaderTokens,
} from './contradictions.js';
import { isLoopback } from './network-values.js';
import { nameOf, type Settings, settingAt, settingsSchema } from './settings.js';
import {
  applyVariables,
  ConfigError,
  type Environment,
  type Mapping,
  readDotenv,
  readFileVariables,
  readYaml,
  removeAt,
  type SettingWarning,
  spreadRedisUrl,
  withoutEmpty,
} from './sources.js';
import {
  insecureErrors,
  removeIgnoredSettings,
  renamedVariableErrors,
  unknownSetting,
  unknownVariables,
} from './unknown-settings.js';

/** The time to live that 0 stands for, as in WeKnora, whose Redis this service may share. */
const ttlForZeroMs = 24 * 3_600_000;

export type Config = ReturnType<typeof toConfig>;

/**
 * Reads `config.yaml` (or `CONFIG_FILE`), then `.env`, then the environment, which wins.
 *
 * @param directory of the two files
 * @throws ConfigError
 */
export function loadConfig(environment: Environment, directory: string): Config {
  const dotenv = readDotenv(resolve(directory, '.env'));
  const given = { ...withoutEmpty(dotenv.variables), ...withoutEmpty(environment) };
  const path = resolve(directory, given.CONFIG_FILE ?? 'config.yaml');
  const document = readYaml(path, given.CONFIG_FILE !== undefined);
  const ignored = removeIgnoredSettings(document);
  const variables = { ...given };
  const variableErrors = [
    ...insecureErrors(given),
    ...renamedVariableErrors(given),
    ...readFileVariables(variables),
    ...spreadRedisUrl(variables),
  ];
  applyVariables(document, variables);
  const { settings, invalid, errors } = parseSettings(document, path);
  const contradictions = settings ? contradictionErrors(settings, invalid, given) : [];
  const all = [...dotenv.errors, ...variableErrors, ...errors, ...contradictions];
  if (settings === undefined || all.length > 0) throw new ConfigError(all);
  const { maxFeeds, warnings } = limitFeeds(settings, given);
  return toConfig(settings, maxFeeds, [
    ...ignored,
    ...unknownVariables(given),
    ...warnings,
    ...settingWarnings(settings, given),
  ]);
}

interface Parsed {
  /** Undefined when they cannot be parsed even without the invalid ones. */
  readonly settings: Settings | undefined;
  /** The settings and sections that were invalid and are replaced by their defaults. */
  readonly invalid: readonly string[];
  readonly errors: readonly string[];
}

/** Parses the rest when some settings are invalid, so that its contradictions are reported too. */
function parseSettings(document: Mapping, file: string): Parsed {
  const { data, error } = settingsSchema.safeParse(document);
  if (data !== undefined) return { settings: data, invalid: [], errors: [] };
  const invalid = error.issues.flatMap(pathsOf);
  for (const path of invalid) removeAt(document, path.split('.'));
  return {
    settings: settingsSchema.safeParse(document).data,
    invalid,
    errors: toErrors(error, file),
  };
}

function pathsOf(issue: z.core.$ZodIssue): string[] {
  const keys = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [key]) : [[]];
  return keys.map((key) => {
    const path = [...issue.path, ...key].join('.');
    return settingAt(path)?.path ?? path;
  });
}

/** One error for each setting, of the first check that fails. */
function toErrors(error: z.ZodError, file: string): string[] {
  const errors = new Map<string, string[]>();
  for (const issue of error.issues) {
    const path = issue.path.join('.');
    if (errors.has(path)) continue;
    errors.set(
      path,
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => unknownSetting([...issue.path, key].join('.'), file))
        : [`${nameOf(path)}: ${issue.message}`],
    );
  }
  return [...errors.values()].flat();
}

function toConfig(settings: Settings, maxFeeds: number, warnings: readonly SettingWarning[]) {
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
      streamInputs: limits.stream_inputs,
      streamInputBytes: limits.stream_input_bytes,
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
      waitMs: feed.start_timeout,
      maxAgeMs: feed.max_age,
      maxFeeds,
      maxFeedsPerStream: feed.max_feeds_per_stream,
    },
    auth: {
      isDisabled: auth.disabled,
      apiKeys: auth.api_keys,
      reader: toReaderOptions(auth),
    },
    cors,
    // The inspector is for developers of applications: on their own machines it is on by default.
    inspector: {
      isEnabled: inspector.enabled === 'auto' ? isLoopback(server.host) : inspector.enabled,
    },
    docs: { isEnabled: docs.enabled },
    warnings,
  };
}

function toRedisOptions(settings: Settings['stream_manager']['redis']) {
  const { address, sentinel_name, tls, ...rest } = settings;
  return {
    ...rest,
    addresses: address,
    sentinelName: sentinel_name,
    tls: tls.enabled ? { serverName: tls.server_name, certificates: tls.ca_file } : null,
  };
}

/** @returns null when no tokens are accepted */
function toReaderOptions(auth: Settings['auth']): ReaderTokenOptions | null {
  if (!takesReaderTokens(auth)) return null;
  return {
    secrets: auth.reader_secret,
    publicKey: auth.reader_public_key ?? null,
    jwksUrl: auth.reader_jwks_url ?? null,
    issuer: auth.reader_issuer ?? null,
    audience: auth.reader_audience ?? null,
    cookie: auth.reader_cookie,
    claims: auth.reader_claims,
  };
}

import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { parseDocument } from 'yaml';
import { settings } from './settings.js';
import { unreadableReason } from './values.js';

/** The service cannot start with these settings. The message names every error. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly errors: readonly string[]) {
    const count = errors.length === 1 ? '1 error' : `${errors.length} errors`;
    super(`Invalid configuration (${count}):\n${errors.map((text) => `  ${text}`).join('\n')}`);
  }
}

/** A setting that may not have the intended effect. The service starts all the same. */
export interface SettingWarning {
  readonly setting: string;
  readonly detail: string;
}

export type Mapping = Record<string, unknown>;

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Removes what is at this path, and returns whether there was anything. */
export function removeAt(document: Mapping, path: readonly string[]): boolean {
  const [key, ...rest] = path as [string, ...string[]];
  const inner = document[key];
  if (rest.length > 0) return isMapping(inner) && removeAt(inner, rest);
  return Object.hasOwn(document, key) && delete document[key];
}

/** @returns null when the file does not exist. @throws ConfigError when it cannot be read */
function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new ConfigError([`${path}: cannot be read: ${unreadableReason(error)}`]);
  }
}

/**
 * Reads a YAML file. Errors name the place and the kind: the messages of the parser may quote secrets.
 *
 * @throws ConfigError
 */
export function readYaml(path: string, mustExist: boolean): Mapping {
  const content = readIfThere(path);
  if (content === null) {
    if (!mustExist) return {};
    throw new ConfigError([`CONFIG_FILE: there is no file ${path}`]);
  }
  const yaml = parseDocument(content, { logLevel: 'error' }); // warnings on stderr would quote the file
  const errors = [...yaml.errors, ...yaml.warnings].map(({ code, linePos }) => {
    const kind = code.toLowerCase().replaceAll('_', ' ');
    return `${path}, line ${linePos?.[0].line}, column ${linePos?.[0].col}: ${kind}`;
  });
  if (errors.length > 0) throw new ConfigError(errors);
  const document: unknown = resolveAliases(yaml, path) ?? {};
  if (isMapping(document)) return document;
  throw new ConfigError([`${path}: must be a mapping`]);
}

function resolveAliases(yaml: { toJS(): unknown }, path: string): unknown {
  try {
    return yaml.toJS();
  } catch {
    throw new ConfigError([`${path}: has an alias (*name) without its anchor, or far too many`]);
  }
}

interface Dotenv {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly errors: readonly string[];
}

/** @throws ConfigError when the file cannot be read */
export function readDotenv(path: string): Dotenv {
  const text = readIfThere(path)?.replace(/^\uFEFF/, '') ?? '';
  return { variables: parseEnv(text), errors: dotenvErrors(path, text) };
}

/**
 * One entry of `.env`: blank, a comment, or `NAME=value`. Quotes may contain line breaks, and only a
 * comment may follow them. An unquoted value has no `#`, where Node.js would cut it off.
 */
const entry =
  /[ \t]*(?:(?:export +)?[A-Za-z_]\w*[ \t]*=[ \t]*(?:"[^"]*"|'[^']*'|`[^`]*`|[^\s#"'`][^\r\n#]*)?)?(?:[ \t]*(?<![^\s"'`])#[^\r\n]*)?[ \t]*(?:\r?\n|$)/y;

const openQuote = /[ \t]*(?:export +)?[A-Za-z_]\w*[ \t]*=[ \t]*(["'`])/y;

/**
 * Errors for lines that Node.js would skip silently or misread. The messages name the lines, and
 * never quote them.
 */
function dotenvErrors(path: string, text: string): string[] {
  const errors: string[] = [];
  let start = 0;
  while (start < text.length) {
    const end = endOfMatch(entry, text, start);
    if (end !== null) {
      start = end;
      continue;
    }
    const place = `${path}, line ${text.slice(0, start).split('\n').length}`;
    if (hasOpenQuote(text, start)) return [...errors, `${place}: a quote is not closed`];
    errors.push(`${place}: must be NAME=value, with quotes around a value that has a # in it`);
    const lineBreak = text.indexOf('\n', start);
    start = lineBreak === -1 ? text.length : lineBreak + 1;
  }
  return errors;
}

function hasOpenQuote(text: string, start: number): boolean {
  const end = endOfMatch(openQuote, text, start);
  return end !== null && !text.includes(text[end - 1] as string, end);
}

function endOfMatch(pattern: RegExp, text: string, start: number): number | null {
  pattern.lastIndex = start;
  return pattern.test(text) ? pattern.lastIndex : null;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export type Variables = Record<string, string>;

/** The variables without the empty ones, which count as unset. */
export function withoutEmpty(variables: Environment): Variables {
  const entries = Object.entries(variables);
  return Object.fromEntries(entries.filter(([, value]) => value)) as Variables;
}

/** Sets variables to the contents of the files that `…_FILE` names. Returns the errors. */
export function readFileVariables(variables: Variables): string[] {
  return settings.flatMap(({ variable, fileVariable = '' }) => {
    const path = variables[fileVariable];
    if (path === undefined) return [];
    if (variables[variable] !== undefined)
      return [`${fileVariable}: is set together with ${variable}`];
    const content = readIfThere(path);
    if (content === null) return [`${fileVariable}: there is no file ${path}`];
    variables[variable] = content.replace(/\r?\n$/, '');
    return [];
  });
}

const urlRule =
  'must be redis://user:password@host:port/database, or rediss:// for TLS, with all but the host ' +
  'optional, and with special characters of the password percent-encoded';

/**
 * Sets the variables of the address, user, password, database and TLS from `REDIS_URL`. Returns the
 * errors, which never quote it.
 */
export function spreadRedisUrl(variables: Variables): string[] {
  const { REDIS_URL: text } = variables;
  if (text === undefined) return [];
  const parts = readRedisUrl(text);
  if (parts === null) return [`REDIS_URL: ${urlRule}`];
  const names = Object.keys(parts).filter((name) => variables[name] !== undefined);
  Object.assign(variables, parts);
  return names.map((name) => `REDIS_URL: is set together with ${name}: it says the same thing`);
}

/** @returns the variables that the URL stands for; null when it is invalid */
function readRedisUrl(text: string): Variables | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  const db = /^\/?(\d*)$/.exec(url?.pathname ?? '?')?.[1];
  if (url === null || db === undefined || !/^rediss?:$/.test(url.protocol)) return null;
  if (!/^[^%]+$/.test(url.hostname) || url.port === '0' || /[?#]/.test(text)) return null;
  try {
    return withoutEmpty({
      REDIS_ADDR: `${url.hostname}:${url.port || 6379}`,
      REDIS_USERNAME: decodeURIComponent(url.username),
      REDIS_PASSWORD: decodeURIComponent(url.password),
      REDIS_DB: db,
      REDIS_USE_TLS: String(url.protocol === 'rediss:'),
    });
  } catch {
    return null; // an invalid percent-encoding
  }
}

/** Puts each variable at its path in the document, where it overrides `config.yaml`. */
export function applyVariables(document: Mapping, variables: Variables): void {
  for (const { path, variable } of settings) setAt(document, path.split('.'), variables[variable]);
  // An image sets DEFAULT_HOST in place of loopback; everything that its user sets overrides it.
  const { server } = document;
  if (isMapping(server) && server.host === undefined) server.host = variables.DEFAULT_HOST;
}

/** Sets a value at a path, and creates missing sections and those that are empty in YAML. */
function setAt(document: Mapping, path: readonly string[], value: string | undefined): void {
  const [key, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) {
    if (value !== undefined) document[key] = value;
    return;
  }
  document[key] ??= {};
  const inner = document[key];
  // Anything but a mapping is an error that the schema reports.
  if (isMapping(inner)) setAt(inner, rest, value);
}

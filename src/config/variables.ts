import { isMapping, type Mapping, readIfThere } from './files.js';
import { settings } from './settings.js';

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

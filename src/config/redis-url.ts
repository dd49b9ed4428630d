const rule =
  'must be redis://user:password@host:port/database, or rediss:// for TLS, with all but the host ' +
  'optional, and with what is special in the password percent-encoded';

/**
 * Takes the address, the user, the password, the database and TLS out of `REDIS_URL`, as far as they
 * are there, as if their own variables were set. Returns what is wrong with that, without its value.
 */
export function spreadRedisUrl(variables: Record<string, string>): string[] {
  const { REDIS_URL: text } = variables;
  if (text === undefined) return [];
  const parts = readRedisUrl(text);
  if (parts === null) return [`REDIS_URL: ${rule}`];
  const names = Object.keys(parts).filter((name) => variables[name] !== undefined);
  Object.assign(variables, parts);
  return names.map((name) => `REDIS_URL: is set together with ${name}: it says the same thing`);
}

/** @returns the variables that say the same, or null */
function readRedisUrl(text: string): Record<string, string> | null {
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
    return null; // a % that encodes nothing
  }
}

function withoutEmpty(parts: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== ''));
}

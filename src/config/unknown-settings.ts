import { distance, closest as nearest } from 'fastest-levenshtein';
import { environmentVariables, settings } from './settings.js';
import { type Mapping, removeAt, type SettingWarning } from './sources.js';
import { flag } from './values.js';

/** Earlier names of settings and variables. To ignore the keys in one would leave the service open. */
const renamed: Readonly<Record<string, string>> = {
  'auth.producer_keys': 'auth.api_keys',
  AUTH_PRODUCER_KEYS: 'AUTH_API_KEYS',
  'feed.wait': 'feed.start_timeout',
  FEED_WAIT: 'FEED_START_TIMEOUT',
};

/** A variable of WeKnora that skips the check of certificates: this service always checks. */
const insecureVariable = 'REDIS_TLS_INSECURE_SKIP_VERIFY';

/** Wrong names that are easily guessed, such as SERVER_PORT, and the right ones. */
const guesses = new Map<string, string>(
  settings.flatMap(({ path, variable }) => {
    const parts = path.toUpperCase().split('.');
    const ends = parts.slice(0, -1).map((_, index) => parts.slice(index).join('_'));
    return ends.map((end) => [end, variable] as const);
  }),
);

/** Of a wrong name from the right one, in edits. */
const maxDistance = 3;

const known: readonly string[] = [...environmentVariables, insecureVariable];
const names = new Map([...guesses, ...known.map((name) => [name, name] as const)]);

/** REDIS_, FEED_ and so on. Not those of `server`: MAX_ or HOST may belong to any program. */
const prefixes = settings
  .filter(({ path }) => !path.startsWith('server.'))
  .map(({ variable }) => `${variable.split('_', 1)[0]}_`);

/** Variables that Kubernetes sets for each Service, Docker for each link, and systemd for each unit. */
const foreignNames =
  /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?$|_ENV_|^MEMORY_PRESSURE_/;
const foreignAssignments = /_PORT=(tcp|udp|sctp):\/\/|_NAME=\/[^/]+\/[^/]+$/;

/** An earlier name is an error, unless the new one is set too, as during a rolling upgrade. */
export function renamedVariableErrors(variables: Readonly<Record<string, string>>): string[] {
  return Object.keys(variables).flatMap((name) => {
    const now = Object.hasOwn(renamed, name) ? renamed[name] : undefined;
    if (now === undefined || variables[now] !== undefined) return [];
    return [`${name}: there is no such variable; it is named ${now} now`];
  });
}

/**
 * Warnings for unknown variables that look like those of the service. They are no errors, as other
 * programs share the environment. The values are never quoted.
 */
export function unknownVariables(variables: Readonly<Record<string, string>>): SettingWarning[] {
  return Object.entries(variables).flatMap(([name, value]) => {
    if (known.includes(name) || isForeign(name, value)) return [];
    if (Object.hasOwn(renamed, name)) {
      return [{ setting: name, detail: `is named ${renamed[name]} now, which is set too` }];
    }
    const own = name.toUpperCase().replace(/^REJOIN_/, '');
    const meant = closest(own, [...names.keys()]);
    if (meant === null && !prefixes.some((prefix) => name.startsWith(prefix))) return [];
    const hint = meant === null ? '' : `; did you mean ${names.get(meant)}?`;
    return [{ setting: name, detail: `there is no such variable${hint}` }];
  });
}

function isForeign(name: string, value: string): boolean {
  return foreignNames.test(name) || foreignAssignments.test(`${name}=${value}`);
}

/** The error for an unknown key of a settings file. */
export function unknownSetting(path: string, file: string): string {
  const error = `${path}: there is no such setting (in ${file})`;
  if (Object.hasOwn(renamed, path)) return `${error}; it is named ${renamed[path]} now`;
  const meant = closest(
    path,
    settings.map((setting) => setting.path),
  );
  return meant === null ? error : `${error}; did you mean ${meant}?`;
}

/** The name that was probably meant. */
function closest(name: string, candidates: readonly string[]): string | null {
  const alike = candidates.filter(({ length }) => Math.abs(length - name.length) <= maxDistance);
  if (alike.length === 0) return null;
  const best = nearest(name, alike);
  const max = name.startsWith(best) ? maxDistance : maxDistance - 1; // ADDRESS for ADDR
  return distance(name, best) <= Math.min(max, Math.floor(name.length / 4)) ? best : null;
}

/** Settings in WeKnora's `config.yaml` below `stream_manager` that have no effect, in WeKnora or here. */
const ignoredSettings = ['stream_manager.cleanup_timeout', 'stream_manager.redis.ttl'];

/** Removes these settings from a file that both services read. Returns a warning for each. */
export function removeIgnoredSettings(document: Mapping): SettingWarning[] {
  const detail = 'a setting of WeKnora without effect; stream_manager.ttl is how long streams live';
  return ignoredSettings
    .filter((setting) => removeAt(document, setting.split('.')))
    .map((setting) => ({ setting, detail }));
}

export function insecureErrors(variables: Readonly<Record<string, string>>): string[] {
  const value = variables[insecureVariable] ?? 'false';
  if (flag.safeParse(value).data === false) return [];
  return [
    `${insecureVariable}: certificates are always checked: set REDIS_TLS_CA_FILE to the authority that ` +
      'signed that of Redis, and REDIS_TLS_SERVER_NAME to the name in it',
  ];
}

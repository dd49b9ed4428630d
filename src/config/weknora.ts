import type { SettingWarning } from './config-error.js';
import { isMapping, type Mapping } from './files.js';
import { flag } from './values.js';

/** Settings in WeKnora's `config.yaml` below `stream_manager` that have no effect, in WeKnora or here. */
const ignoredSettings = ['stream_manager.cleanup_timeout', 'stream_manager.redis.ttl'];

export const insecureVariable = 'REDIS_TLS_INSECURE_SKIP_VERIFY';

/** Removes these settings from a file that both services read. Returns a warning for each. */
export function removeIgnoredSettings(document: Mapping): SettingWarning[] {
  return ignoredSettings.flatMap((setting) => {
    const path = setting.split('.');
    const name = path.pop() as string;
    const section = path.reduce<unknown>(
      (value, key) => (isMapping(value) ? value[key] : undefined),
      document,
    );
    if (!isMapping(section) || !Object.hasOwn(section, name)) return [];
    delete section[name];
    const detail =
      'a setting of WeKnora without effect; stream_manager.ttl is how long streams live';
    return [{ setting, detail }];
  });
}

/** Errors for the variable that skips the check of certificates in WeKnora: this service always checks. */
export function insecureErrors(variables: Readonly<Record<string, string>>): string[] {
  const value = variables[insecureVariable] ?? 'false';
  if (flag.safeParse(value).data === false) return [];
  return [
    `${insecureVariable}: certificates are always checked: set REDIS_TLS_CA_FILE to the authority that ` +
      'signed that of Redis, and REDIS_TLS_SERVER_NAME to the name in it',
  ];
}

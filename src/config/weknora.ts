import type { SettingWarning } from './config-error.js';
import { isMapping, type Mapping } from './files.js';
import { flag } from './values.js';

/** Settings below `stream_manager` of WeKnora's `config.yaml` that have no effect, there or here. */
const ignoredSettings = ['stream_manager.cleanup_timeout', 'stream_manager.redis.ttl'];

export const insecureVariable = 'REDIS_TLS_INSECURE_SKIP_VERIFY';

/** Removes from a file that both services read what has no effect, with a warning. */
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

/** WeKnora can skip the check of certificates; this service always checks them. */
export function insecureErrors(variables: Readonly<Record<string, string>>): string[] {
  const value = variables[insecureVariable] ?? 'false';
  if (flag.safeParse(value).data === false) return [];
  return [
    `${insecureVariable}: certificates are always checked: set REDIS_TLS_CA_FILE to the authority that ` +
      'signed that of Redis, and REDIS_TLS_SERVER_NAME to the name in it',
  ];
}

import type { SettingWarning } from './unknown.js';
import { flag } from './values.js';

/** What WeKnora's `config.yaml` has below `stream_manager`, and nothing reads, there or here. */
const unread = ['stream_manager.cleanup_timeout', 'stream_manager.redis.ttl'];

export const insecureSwitch = 'REDIS_TLS_INSECURE_SKIP_VERIFY';

type Fields = Record<string, unknown>;

/** Takes out of a file that both share what has no effect, and says so. */
export function dropUnread(document: Fields): SettingWarning[] {
  return unread.flatMap((setting) => {
    const path = setting.split('.');
    const name = path.pop() as string;
    let section: unknown = document;
    for (const part of path) section = isFields(section) ? section[part] : undefined;
    if (!isFields(section) || !Object.hasOwn(section, name)) return [];
    delete section[name];
    const detail =
      'a setting of WeKnora without effect; stream_manager.ttl is how long streams live';
    return [{ setting, detail }];
  });
}

/** What WeKnora takes and this service does not: a connection whose other end nobody checks. */
export function insecureFaults(variables: Readonly<Record<string, string>>): string[] {
  const value = variables[insecureSwitch] ?? 'false';
  if (flag.safeParse(value).data === false) return [];
  return [
    `${insecureSwitch}: certificates are always checked: set REDIS_TLS_CA_FILE to the authority that ` +
      'signed that of Redis, and REDIS_TLS_SERVER_NAME to the name in it',
  ];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

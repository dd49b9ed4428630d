import { distance, closest as nearest } from 'fastest-levenshtein';
import { environmentNames } from './settings.js';

/** Something at the start that may not be as it is meant, and does not keep the service from it. */
export interface SettingWarning {
  readonly setting: string;
  readonly detail: string;
}

/** Names that are easily taken for those of variables, such as SERVER_PORT, and the right ones. */
const guesses = new Map<string, string>(
  Object.entries(environmentNames).flatMap(([path, name]) => {
    const parts = path.toUpperCase().split('.');
    const ends = parts.slice(0, -1).map((_, index) => parts.slice(index).join('_'));
    return ends.map((end) => [end, name] as const);
  }),
);

/** REDIS_, FEED_ and so on. Those of the server have none: MAX_ and HOST may be anybody's. */
const prefixes = Object.entries(environmentNames)
  .filter(([path]) => !path.startsWith('server.'))
  .map(([, name]) => `${name.split('_', 1)[0]}_`);

/** What Kubernetes sets for each Service, Docker for each link, and systemd for each unit. */
const foreignNames =
  /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?$|_ENV_|^MEMORY_PRESSURE_/;
const foreignAssignments = /_PORT=(tcp|udp|sctp):\/\/|_NAME=\/[^/]+\/[^/]+$/;

/**
 * Variables that seem to be meant for the service, and are none of its own. Others share the
 * environment, so they are no reason not to start. The values are never told.
 */
export function unknownVariables(
  variables: Readonly<Record<string, string>>,
  known: readonly string[],
): SettingWarning[] {
  const names = new Map([...guesses, ...known.map((name) => [name, name] as const)]);
  return Object.entries(variables).flatMap(([name, value]) => {
    if (known.includes(name) || isForeign(name, value)) return [];
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

/** The name that this one was probably meant to be. */
export function closest(name: string, names: readonly string[]): string | null {
  const best = nearest(name, names);
  const most = name.startsWith(best) ? 3 : 2; // ADDRESS for ADDR
  return distance(name, best) <= Math.min(most, Math.floor(name.length / 4)) ? best : null;
}

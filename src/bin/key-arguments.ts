import { parseArgs } from 'node:util';
import { keyIdPattern, type Scope, scopes } from '../auth/api-keys.js';

export interface WantedKey {
  readonly id: string;
  readonly keyScopes: readonly Scope[];
}

const options = { id: { type: 'string' }, scopes: { type: 'string' } } as const;

/** What `create-key` is asked for. @throws Error that says what is wrong with the arguments */
export function readKeyArguments(args: readonly string[]): WantedKey {
  const { values } = parseArgs({ args: [...args], options });
  const { id = '' } = values;
  if (!keyIdPattern.test(id)) throw new Error('--id is not an id');
  return { id, keyScopes: (values.scopes ?? '').split(',').map(toScope) };
}

function toScope(text: string): Scope {
  const scope = scopes.find((name) => name === text);
  if (scope === undefined) throw new Error('--scopes is not a list of scopes');
  return scope;
}

import { parseArgs } from 'node:util';
import { keyIdPattern, type Scope, scopes } from '../auth/api-keys.js';

export interface KeyArguments {
  readonly id: string;
  readonly keyScopes: readonly Scope[];
}

const options = { id: { type: 'string' }, scopes: { type: 'string' } } as const;

/** The arguments of `create-key`. @throws Error that says what is wrong with them */
export function readKeyArguments(args: readonly string[]): KeyArguments {
  const { values } = parseArgs({ args: [...args], options });
  const { id = '' } = values;
  if (!keyIdPattern.test(id)) throw new Error('--id must be 1 to 64 letters, digits, _ or -');
  return { id, keyScopes: (values.scopes ?? '').split(',').map(toScope) };
}

function toScope(text: string): Scope {
  const scope = scopes.find((name) => name === text);
  if (scope === undefined) throw new Error(`--scopes must be one or more of ${scopes.join(', ')}`);
  return scope;
}

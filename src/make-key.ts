import { parseArgs } from 'node:util';
import {
  formatProducerKey,
  keyIdPattern,
  makeProducerKey,
  type Scope,
  scopes,
} from './access/producer-key.js';

const usage = `usage: make-key --id ID --scopes SCOPE,...
  ID      1 to 64 letters, digits, _ or -
  SCOPE   ${scopes.join(', ')}
`;

/** @throws Error that says what is wrong with the arguments */
function readArguments(): { readonly id: string; readonly keyScopes: readonly Scope[] } {
  const options = { id: { type: 'string' }, scopes: { type: 'string' } } as const;
  const { values } = parseArgs({ options });
  const { id = '' } = values;
  if (!keyIdPattern.test(id)) throw new Error('--id is not an id');
  return { id, keyScopes: (values.scopes ?? '').split(',').map(toScope) };
}

function toScope(text: string): Scope {
  const scope = scopes.find((name) => name === text);
  if (scope === undefined) throw new Error('--scopes is not a list of scopes');
  return scope;
}

try {
  const { id, keyScopes } = readArguments();
  const { token, key } = makeProducerKey(id, keyScopes);
  process.stdout.write(
    `Authorization: Bearer ${token}\nAUTH_PRODUCER_KEYS=${formatProducerKey(key)}\n`,
  );
  process.stderr.write(
    'The first line is for the producer, and is shown only now; the second is for the service.\n',
  );
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n${usage}`);
  process.exitCode = 1;
}

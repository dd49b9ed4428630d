import { parseArgs } from 'node:util';
import { keyIdPattern, type Scope, scopes } from '../auth/api-keys.js';
import type { ReaderGrant } from '../auth/reader-tokens.js';
import { idPattern } from '../store/stream-manager.js';

const keyOptions = { id: { type: 'string' }, scopes: { type: 'string' } } as const;

/** The arguments of `create-key`. @throws Error that says what is wrong with them */
export function readKeyArguments(args: readonly string[]) {
  const { values } = parseArgs({ args: [...args], options: keyOptions });
  const { id = '' } = values;
  if (!keyIdPattern.test(id)) throw new Error('--id must be 1 to 64 letters, digits, _ or -');
  return { id, keyScopes: (values.scopes ?? '').split(',').map(toScope) };
}

function toScope(text: string): Scope {
  const scope = scopes.find((name) => name === text);
  if (scope === undefined) throw new Error(`--scopes must be one or more of ${scopes.join(', ')}`);
  return scope;
}

const tokenOptions = {
  sid: { type: 'string' },
  mid: { type: 'string' },
  stop: { type: 'boolean' },
  input: { type: 'boolean' },
  sub: { type: 'string' },
  minutes: { type: 'string' },
} as const;

const idRule = 'must be the id of a session or a message';

/** The arguments of `create-token`. @throws Error that says what is wrong with them */
export function readTokenArguments(args: readonly string[]): ReaderGrant {
  const { values } = parseArgs({ args: [...args], options: tokenOptions });
  const { sid = '', mid = null, stop = false, input = false, minutes = '10' } = values;
  if (!idPattern.test(sid)) throw new Error(`--sid ${idRule}`);
  if (mid !== null && !idPattern.test(mid)) throw new Error(`--mid ${idRule}`);
  const count = Number(minutes);
  if (!/^[0-9]{1,4}$/.test(minutes) || count < 1 || count > 1440) {
    throw new Error('--minutes must be an integer between 1 and 1440');
  }
  return {
    sessionId: sid,
    messageId: mid,
    mayStop: stop,
    mayInput: input,
    subject: values.sub ?? null,
    lifeSeconds: count * 60,
  };
}

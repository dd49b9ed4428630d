import { parseArgs } from 'node:util';
import type { ReaderGrant } from '../auth/reader-tokens.js';
import { idPattern } from '../store/stream-manager.js';

const options = {
  sid: { type: 'string' },
  mid: { type: 'string' },
  stop: { type: 'boolean' },
  minutes: { type: 'string' },
} as const;

const idRule = 'must be the id of a session or a message';

/** The arguments of `create-token`. @throws Error that says what is wrong with them */
export function readTokenArguments(args: readonly string[]): ReaderGrant {
  const { values } = parseArgs({ args: [...args], options });
  const { sid = '', mid = null, stop = false, minutes = '10' } = values;
  if (!idPattern.test(sid)) throw new Error(`--sid ${idRule}`);
  if (mid !== null && !idPattern.test(mid)) throw new Error(`--mid ${idRule}`);
  const count = Number(minutes);
  if (!/^[0-9]{1,4}$/.test(minutes) || count < 1 || count > 1440) {
    throw new Error('--minutes must be an integer between 1 and 1440');
  }
  return { sessionId: sid, messageId: mid, mayStop: stop, lifeSeconds: count * 60 };
}

import { parseArgs } from 'node:util';
import type { ReaderGrant } from '../auth/reader-tokens.js';
import { idPattern } from '../store/stream-id.js';

const options = {
  sid: { type: 'string' },
  mid: { type: 'string' },
  stop: { type: 'boolean' },
  minutes: { type: 'string' },
} as const;

/** What `create-token` is asked for. @throws Error that says what is wrong with the arguments */
export function readTokenArguments(args: readonly string[]): ReaderGrant {
  const { values } = parseArgs({ args: [...args], options });
  const { sid = '', mid = null, stop = false, minutes = '10' } = values;
  if (!idPattern.test(sid)) throw new Error('--sid is not an id');
  if (mid !== null && !idPattern.test(mid)) throw new Error('--mid is not an id');
  const count = Number(minutes);
  if (!/^[0-9]{1,4}$/.test(minutes) || count < 1 || count > 1440) {
    throw new Error('--minutes is not a number of minutes');
  }
  return { sessionId: sid, messageId: mid, mayStop: stop, lifeSeconds: count * 60 };
}

import { parseArgs } from 'node:util';
import { mintToken, type ReaderGrant } from './access/mint-token.js';
import { loadConfig } from './config.js';
import { idPattern } from './streams/stream-id.js';

const usage = `usage: make-token --sid SESSION [--mid MESSAGE] [--stop] [--minutes N]
  SESSION, MESSAGE   what the token is for; without a message, all of the session
  --stop             it is also good for stopping
  N                  1 to 1440; 10 when it is left out

The secret is the service's own, the first in AUTH_READER_SECRET or in its other settings.
`;

/** @throws Error that says what is wrong with the arguments */
function readArguments(): ReaderGrant {
  const { values } = parseArgs({
    options: {
      sid: { type: 'string' },
      mid: { type: 'string' },
      stop: { type: 'boolean' },
      minutes: { type: 'string' },
    },
  });
  const { sid = '', mid = null, stop = false, minutes = '10' } = values;
  if (!idPattern.test(sid)) throw new Error('--sid is not an id');
  if (mid !== null && !idPattern.test(mid)) throw new Error('--mid is not an id');
  const count = Number(minutes);
  if (!/^[0-9]{1,4}$/.test(minutes) || count < 1 || count > 1440) {
    throw new Error('--minutes is not a number of minutes');
  }
  return { sessionId: sid, messageId: mid, mayStop: stop, lifeSeconds: count * 60 };
}

try {
  const grant = readArguments();
  const { reader } = loadConfig(process.env, process.cwd()).auth;
  const secret = reader?.secrets[0];
  if (reader === null || secret === undefined) throw new Error('AUTH_READER_SECRET is not set');
  process.stdout.write(`${await mintToken(grant, secret, reader)}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n${usage}`);
  process.exitCode = 1;
}

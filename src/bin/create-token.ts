import { createReaderToken } from '../auth/reader-tokens.js';
import { loadConfig } from '../config/config.js';
import { readTokenArguments } from './arguments.js';

const usage = `usage: create-token --sid SESSION [--mid MESSAGE] [--stop] [--input] [--sub USER] [--minutes N]
  SESSION, MESSAGE   the stream that the token allows to read; without a message, all of the session
  --stop             it also allows to stop the stream
  --input            it also allows to send inputs
  USER               whose token it is, the author of these inputs
  N                  minutes until it expires, 1 to 1440; 10 by default

The secret is the service's own, the first in AUTH_READER_SECRET or in its other settings.
`;

try {
  const grant = readTokenArguments(process.argv.slice(2));
  const { reader } = loadConfig(process.env, process.cwd()).auth;
  const secret = reader?.secrets[0];
  if (reader === null || secret === undefined) throw new Error('AUTH_READER_SECRET is not set');
  process.stdout.write(`${await createReaderToken(grant, secret, reader)}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n${usage}`);
  process.exitCode = 1;
}

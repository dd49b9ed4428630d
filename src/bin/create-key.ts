import { createApiKey, formatApiKey, scopes } from '../auth/api-keys.js';
import { readKeyArguments } from './arguments.js';

const usage = `usage: create-key --id ID --scopes SCOPE,...
  ID      1 to 64 letters, digits, _ or -
  SCOPE   ${scopes.join(', ')}
`;

try {
  const { id, keyScopes } = readKeyArguments(process.argv.slice(2));
  const { token, key } = createApiKey(id, keyScopes);
  process.stdout.write(`Authorization: Bearer ${token}\nAUTH_API_KEYS=${formatApiKey(key)}\n`);
  process.stderr.write(
    'The first line is for the client, and is shown only once; the second is for the service.\n',
  );
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n${usage}`);
  process.exitCode = 1;
}

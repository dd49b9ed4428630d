import { formatProducerKey, makeProducerKey, scopes } from '../auth/api-key.js';
import { readKeyArguments } from './key-arguments.js';

const usage = `usage: create-key --id ID --scopes SCOPE,...
  ID      1 to 64 letters, digits, _ or -
  SCOPE   ${scopes.join(', ')}
`;

try {
  const { id, keyScopes } = readKeyArguments(process.argv.slice(2));
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

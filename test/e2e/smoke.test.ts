import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import { onRedis, startRedis, startService } from '../support/test-processes.js';

const script = resolve(import.meta.dirname, '../image/smoke.sh');

it('The smoke test of the image passes on a service that is restarted', async () => {
  const settings = onRedis(await startRedis(), { PORT: String(await freePort()) });
  const first = await startService(settings);
  const stop = `kill -TERM ${first.pid}; while kill -0 ${first.pid} 2>/dev/null; do sleep 0.1; done`;
  const smoke = promisify(execFile)(script, [first.url, 'bash', '-c', stop]);
  await Promise.race([first.exit(), smoke]);
  await startService(settings);
  const { stdout } = await smoke;
  expect(stdout.trim().split('\n').at(-1)).toBe('ok: nothing came twice');
});

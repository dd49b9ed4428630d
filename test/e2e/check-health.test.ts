import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import { directoryWith, launchService } from '../support/test-processes.js';

const program = join(import.meta.dirname, '../../dist/bin/check-health.js');

/** How the program exits, with the settings of this directory. */
function exitCode(directory: string, environment: Record<string, string>): Promise<number> {
  const options = { cwd: directory, env: { PATH: process.env.PATH, ...environment } };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program], options, () =>
      resolve(child.exitCode as number),
    );
  });
}

describe('The health check of the image', () => {
  it.each([{}, { DEFAULT_HOST: '0.0.0.0', AUTH_DISABLED: 'true' }])(
    'requests the address and port of config.yaml, with %j',
    async (environment) => {
      const port = await freePort();
      const directory = directoryWith({ 'config.yaml': `server: { port: ${port} }\n` });
      expect(await exitCode(directory, environment as Record<string, string>)).toBe(1);
      const settings = { PORT: '', ...environment };
      const service = launchService(settings, directory);
      await service.isListening();
      expect(await exitCode(directory, environment as Record<string, string>)).toBe(0);
    },
  );
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { bundleProgram } from './bundle-program.js';

/**
 * The path of a TypeScript program as one module, for all but one of the runs that the tests of a
 * file make of it: that one starts it as users do.
 */
export async function bundledProgram(entry: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'rejoin-program-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const outfile = join(directory, 'program.mjs');
  await bundleProgram(entry, outfile);
  return outfile;
}

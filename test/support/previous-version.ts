import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** The version before this one: 0.1.0 as it was before producers and leases. */
const commit = 'a0c4064568f932622cabb1bbfd72e0a97c376914';

export interface BuiltVersion {
  /** Its `dist/main.js`. */
  readonly main: string;
  remove(): void;
}

/**
 * Builds the version before this one from the history of this repository, on the packages of today.
 *
 * @throws Error that says so, when the history is not there
 */
export function buildPreviousVersion(): BuiltVersion {
  const sources = archive();
  const directory = mkdtempSync(join(tmpdir(), 'rejoin-previous-'));
  execFileSync('tar', ['-x', '-C', directory], { input: sources });
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  const compiler = join(root, 'node_modules/.bin/tsc');
  execFileSync(compiler, ['-p', 'tsconfig.build.json'], { cwd: directory, stdio: 'inherit' });
  return {
    main: join(directory, 'dist/main.js'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function archive(): Buffer {
  try {
    return execFileSync('git', ['archive', commit], {
      cwd: root,
      stdio: 'pipe',
      maxBuffer: 2 ** 28,
    });
  } catch (error) {
    throw new Error(
      `The version before this one, commit ${commit}, cannot be taken from the history.\n` +
        '  A shallow clone has no history: git fetch --unshallow',
      { cause: error },
    );
  }
}

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

/** Bundles a commit of this repository as the version before this one; README.md says how and why. */
const [name] = process.argv.slice(2);
if (name === undefined)
  throw new Error('Usage: npx tsx test/support/previous-version/make.ts COMMIT');

const root = resolve(import.meta.dirname, '../../..');
const git = (...args: string[]) =>
  execFileSync('git', args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  });
const commit = git('rev-parse', '--short=7', `${name}^{commit}`).toString().trim();
const sources = mkdtempSync(join(tmpdir(), 'rejoin-previous-'));
try {
  execFileSync('tar', ['-x', '-C', sources], { input: git('archive', commit) });
  await build({
    entryPoints: [join(sources, 'src/main.ts')],
    outfile: join(import.meta.dirname, 'bundle/main.js'),
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minify: true,
    legalComments: 'none',
    banner: { js: `// Rejoin as of ${commit}. Made by ../make.ts: not to be edited.` },
  });
  const scripts = join(import.meta.dirname, 'bundle/scripts');
  rmSync(scripts, { recursive: true, force: true });
  cpSync(join(sources, 'src/store/redis/scripts'), scripts, { recursive: true });
} finally {
  rmSync(sources, { recursive: true, force: true });
}
writeFileSync(
  join(import.meta.dirname, 'package.json'),
  `${JSON.stringify({ private: true, type: 'module', version: `0.1.0-${commit}` }, null, 2)}\n`,
);

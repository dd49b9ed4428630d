import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { minVersion, satisfies } from 'semver';
import { describe, expect, it } from 'vitest';

interface LockedPackage {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly engines?: { readonly node?: string };
}

const root = resolve(import.meta.dirname, '../..');
const readJson = (path: string) => JSON.parse(readFileSync(resolve(root, path), 'utf8'));

const packages: [string, LockedPackage][] = Object.entries(readJson('package-lock.json').packages);

const oldestNode = minVersion(readJson('package.json').engines.node)?.version as string;

/** npm warns of each of these, but for optional ones, which it leaves out. */
function unsupportedOf(isWanted: (locked: LockedPackage) => boolean): string[] {
  return packages
    .filter(([, locked]) => isWanted(locked) && locked.optional !== true)
    .filter(([, { engines }]) => !satisfies(oldestNode, engines?.node ?? '*'))
    .map(([path]) => path.replace('node_modules/', ''))
    .sort();
}

describe('The oldest Node.js that package.json promises', () => {
  it('is supported by every dependency', () => {
    expect(packages.length).toBeGreaterThan(100);
    expect(unsupportedOf(({ dev }) => dev !== true)).toEqual([]);
  });

  it('is supported by every development dependency, so that `npm ci` warns of none', () => {
    const hint = 'see "Run" in CONTRIBUTING.md';
    expect(
      unsupportedOf(({ dev }) => dev === true),
      hint,
    ).toEqual([]);
  });
});

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { directoryWith } from '../support/test-processes.js';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

interface Step {
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly uses?: string;
  readonly steps?: readonly Step[];
  readonly strategy?: { readonly matrix: { readonly node: readonly string[] } };
}

interface Workflow {
  readonly permissions?: object;
  readonly jobs: Readonly<Record<string, Job>>;
}

const files = readdirSync(join(root, '.github/workflows')).map(
  (name) => `.github/workflows/${name}`,
);

describe.each(files)('%s', (file) => {
  const { permissions, jobs } = parse(read(file)) as Workflow;
  const steps = Object.values(jobs).flatMap((job) => job.steps ?? []);

  it('pins actions by commit, with the version beside it', () => {
    const used = [...read(file).matchAll(/\buses: (\S+)(.*)$/gm)];
    expect(used.length).toBeGreaterThan(0);
    const foreign = used.filter(([, name]) => !name?.startsWith('./'));
    const unpinned = foreign.filter(
      ([, name = '', comment = '']) =>
        !/@[0-9a-f]{40}$/.test(name) || !/^ # v\d+\.\d+\.\d+$/.test(comment),
    );
    expect(unpinned.map(([line]) => line)).toEqual([]);
  });

  it('leaves no credentials in a checkout', () => {
    const checkouts = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
    expect(checkouts.length).toBeGreaterThan(0);
    for (const { with: options } of checkouts) expect(options?.['persist-credentials']).toBe(false);
  });

  it('gives each job the permissions that it needs, and no others', () => {
    expect(permissions).toEqual({});
    const writing = Object.entries(jobs).flatMap(([name, job]) =>
      Object.entries(job.permissions ?? { all: 'write' })
        .filter(([, right]) => right === 'write')
        .map(([scope]) => `${name}: ${scope}`),
    );
    const isRelease = file.endsWith('release.yml');
    expect(writing).toEqual(isRelease ? ['image: packages', 'release: contents'] : []);
  });
});

describe('.github', () => {
  it('tests with the oldest Node.js that package.json promises, and with newer ones', () => {
    const { test } = (parse(read('.github/workflows/test.yml')) as Workflow).jobs;
    const oldest = JSON.parse(read('package.json')).engines.node.replace('>=', '');
    expect(test?.strategy?.matrix.node).toEqual([oldest, '22', '24']);
  });

  it.each(['bug', 'feature'])('has a form for issues that GitHub can show (%s)', (name) => {
    const form = parse(read(`.github/ISSUE_TEMPLATE/${name}.yml`));
    expect(form).toMatchObject({ name: expect.any(String), description: expect.any(String) });
    const ids = form.body.flatMap(({ id }: { id?: string }) => id ?? []);
    expect(ids.length).toBeGreaterThan(2);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('updates packages, actions and images', () => {
    const { updates } = parse(read('.github/dependabot.yml'));
    const kinds = updates.map((one: Record<string, string>) => one['package-ecosystem']);
    expect(kinds).toEqual(['npm', 'github-actions', 'docker']);
  });
});

describe('.ci/release-notes', () => {
  const changelog =
    '# Log\n\n## [0.3.0] - unreleased\n\n- three\n\n## [0.2.0] - 2026-01-02\n\n- two\n';
  const notes = (version: string) => {
    const file = join(directoryWith({ 'CHANGELOG.md': changelog }), 'CHANGELOG.md');
    return spawnSync(join(root, '.ci/release-notes'), [version, file], { encoding: 'utf8' });
  };

  it('prints the section of a version', () => {
    const { status, stdout } = notes('0.2.0');
    expect([status, stdout.trim()]).toEqual([0, '- two']);
  });

  it.each(['0.3.0', '0.4.0', '0.2'])(
    'fails for a version without a date or a section (%s)',
    (version) => {
      expect(notes(version).status).toBe(1);
    },
  );
});

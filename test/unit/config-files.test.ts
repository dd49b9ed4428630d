import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.js';
import { environmentVariables, settings } from '../../src/config/settings.js';
import { renderDotenv, renderPage, renderYaml } from '../../tools/generate-config/config-files.js';
import { directoryWith } from '../support/test-processes.js';

const read = (path: string) => readFileSync(resolve(import.meta.dirname, '../..', path), 'utf8');

const stale = 'is stale: npm run generate:config';

describe('config.yaml', () => {
  it('is what src/config/settings.ts generates', () => {
    expect(read('config.yaml') === renderYaml(), stale).toBe(true);
  });

  it('has the values of the defaults', () => {
    const config = loadConfig({}, directoryWith({ 'config.yaml': read('config.yaml') }));
    expect(config).toEqual(loadConfig({}, directoryWith({})));
  });
});

describe('.env.example', () => {
  it('is what src/config/settings.ts generates', () => {
    expect(read('.env.example') === renderDotenv(), stale).toBe(true);
  });

  it('has every environment variable at its default', () => {
    const dotenv = read('.env.example').replaceAll(/^# (?=[A-Z_]+=)/gm, '');
    const names = [...dotenv.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(names.sort()).toEqual([...environmentVariables].sort());
    const files = { '.env': dotenv, 'config.yaml': '' };
    const { warnings, ...config } = loadConfig({}, directoryWith(files));
    expect(config).toEqual({ ...loadConfig({}, directoryWith({})), warnings: undefined });
    // Settings of Redis have no effect in memory, even at their defaults.
    expect(warnings.map(({ setting }) => setting)).toEqual([expect.stringMatching(/^REDIS_/)]);
  });
});

describe('docs/configuration.md', () => {
  const page = read('docs/configuration.md');

  it('has the tables that src/config/settings.ts generates', () => {
    expect(page === renderPage(page), stale).toBe(true);
  });

  it('lists every setting and every variable in a table', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('| '));
    const missing = [...settings.map(({ path }) => path), ...environmentVariables].filter(
      (name) => !rows.some((row) => row.split('|').slice(1, 3).join().includes(`\`${name}\``)),
    );
    expect(missing).toEqual([]);
  });
});

describe('A description of a setting', () => {
  it.each(settings)(
    'is one sentence, which names other settings by their paths: $path',
    (setting) => {
      const { description } = setting;
      expect(description).toMatch(/^[A-Za-z][^\n]*\.$/);
      const named = [...description.matchAll(/`(\w+\.[\w.]+)`/g)].map(([, name]) => name);
      expect(named.filter((name) => !settings.some(({ path }) => path === name))).toEqual([]);
    },
  );
});

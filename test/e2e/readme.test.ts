import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { ConfigError, environmentVariables, loadConfig } from '../../src/config/config.js';
import { errorTable } from '../../src/errors.js';
import { ServiceProcess } from '../support/service-process.js';

const root = resolve(import.meta.dirname, '../..');
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...filesIn('docs'),
];

/** A command of a page and what the page says that it prints. */
interface Example {
  readonly line: number;
  readonly command: string;
  readonly output: string;
}

describe.each(['README.md', 'docs/protocol.md'])('The examples of %s', (document) => {
  const examples = examplesIn(read(document));
  let service: ServiceProcess;

  beforeAll(async () => {
    service = await ServiceProcess.listening({});
  });
  afterAll(() => service.kill());

  it('are there', () => {
    expect(examples).not.toHaveLength(0);
  });

  it.each(examples)('print what is shown (line $line)', async ({ command, output }) => {
    const { host } = new URL(service.url);
    const printed = await run(command.replaceAll('127.0.0.1:8080', host));
    expect(withoutLastBreaks(printed)).toBe(withoutLastBreaks(output));
  });
});

describe('The documents', () => {
  it('name every setting with its environment variable in the README', () => {
    const rows = settingRows();
    const pairs = rows.flatMap(({ key, variable }) => (key === null ? [] : [[key, variable]]));
    expect(pairs).toEqual(settingsThatExist(pairs.map(([key]) => key as string)));
    expect(rows.map(({ variable }) => variable).sort()).toEqual([...environmentVariables].sort());
  });

  it('show the defaults in the README as they stand in config.yaml', () => {
    const rows = settingRows().filter(({ key }) => key !== null);
    const shown = rows.map(({ key, value }) => [key, value]);
    expect(shown).toEqual(leavesOf(parse(read('config.yaml'))));
  });

  it('give in config.yaml the defaults themselves', () => {
    const config = loadConfig({}, directoryWith({ 'config.yaml': read('config.yaml') }));
    expect(config).toEqual(loadConfig({}, directoryWith({})));
  });

  it('give in .env.example every environment variable at its default', () => {
    const dotenv = read('.env.example').replaceAll(/^# (?=[A-Z_]+=)/gm, '');
    const names = [...dotenv.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(names.sort()).toEqual([...environmentVariables].sort());
    const files = { '.env': dotenv, 'config.yaml': '' };
    const { warnings, ...config } = loadConfig({}, directoryWith(files));
    expect(config).toEqual({ ...loadConfig({}, directoryWith({})), warnings: undefined });
    // What is set of Redis has no effect in memory, even at its default.
    expect(warnings.map(({ setting }) => setting)).toEqual([expect.stringMatching(/^REDIS_/)]);
  });

  it('name every error code with its status in the protocol', () => {
    const rows = read('docs/protocol.md').matchAll(/^\| (\d{3}) +\| `(\w+)` +\| \S/gm);
    const shown = [...rows].map(([, status, code]) => [code, Number(status)]);
    expect(shown).toEqual(Object.entries(errorTable).map(([code, { status }]) => [code, status]));
  });

  it('show in docs/ai-sdk.md what stands in its examples', () => {
    const blocks = [...read('docs/ai-sdk.md').matchAll(/^```(?:ts|js)\n(.*?)^```$/gms)];
    expect(blocks.length).toBeGreaterThan(5);
    const sources = filesIn('examples/ai-sdk').map((path) => withoutIndents(read(path)));
    for (const [, block] of blocks) {
      const code = withoutIndents(block as string);
      expect(
        sources.some((source) => source.includes(code)),
        code,
      ).toBe(true);
    }
  });

  it.each(documents)('link to files that exist (%s)', (document) => {
    const links = [...read(document).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)];
    const targets = links.map(([, target]) => join(dirname(document), target as string));
    expect(targets.filter((target) => !existsSync(join(root, target)))).toEqual([]);
  });
});

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));
}

/** The `sh` blocks that a `text` block follows at once. */
function examplesIn(markdown: string): Example[] {
  const blocks = [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  return blocks.flatMap((block, index) => {
    const next = blocks[index + 1];
    if (block[1] !== 'sh' || next?.[1] !== 'text') return [];
    const between = markdown.slice(block.index + block[0].length, next.index);
    if (between.trim() !== '') return [];
    const line = markdown.slice(0, block.index).split('\n').length;
    return [{ line, command: block[2] as string, output: next[2] as string }];
  });
}

function withoutIndents(code: string): string {
  return code.replaceAll(/^ +/gm, '');
}

/** What the command prints; how it ends does not matter, since curl fails when it is cut off. */
async function run(command: string): Promise<string> {
  const shell = spawn('bash', ['-c', command], {
    env: { PATH: process.env.PATH, NO_PROXY: '*' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return text(shell.stdout);
}

/** JSON answers end without a line break, but a block of a page has one. */
function withoutLastBreaks(output: string): string {
  return output.replace(/\n+$/, '');
}

interface SettingRow {
  readonly key: string | null;
  readonly variable: string;
  readonly value: string | null;
}

function settingRows(): SettingRow[] {
  const cell = '(?:`([^`]+)`|–)';
  const row = new RegExp(`^\\| ${cell} +\\| \`([A-Z_]+)\` +\\| ${cell} +\\|`, 'gm');
  return [...read('README.md').matchAll(row)].map(([, key, variable, value]) => ({
    key: key ?? null,
    variable: variable as string,
    value: value ?? null,
  }));
}

/** Asks the settings themselves, each of which finds fault with a mapping and tells its variable. */
function settingsThatExist(keys: readonly string[]): unknown[] {
  const document = {};
  for (const key of keys) setAt(document, key.split('.'), {});
  try {
    loadConfig({}, directoryWith({ 'config.yaml': stringify(document) }));
  } catch (error) {
    if (error instanceof ConfigError) {
      const names = new Set(error.faults.map((fault) => fault.split(':', 1)[0] as string));
      return [...names].map((name) => /^(\S+) \((\w+)\)$/.exec(name)?.slice(1) ?? name);
    }
    throw error;
  }
  throw new Error('a setting takes a mapping');
}

function setAt(document: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path as [string, ...string[]];
  document[key] ??= rest.length === 0 ? value : {};
  if (rest.length > 0) setAt(document[key] as Record<string, unknown>, rest, value);
}

/** Each setting with its value, a list as the environment has it. */
function leavesOf(value: unknown, path = ''): unknown[] {
  if (Array.isArray(value)) return [[path, value.join()]];
  if (typeof value !== 'object' || value === null) {
    return [[path, value === null ? null : String(value)]];
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    leavesOf(inner, path === '' ? key : `${path}.${key}`),
  );
}

/** A directory with these files, gone when the test is over. */
function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'rejoin-settings-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(directory, name), content);
  return directory;
}

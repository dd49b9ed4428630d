import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorTable } from '../../src/errors.js';
import { ServiceProcess } from '../support/service-process.js';

const root = resolve(import.meta.dirname, '../..');
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...filesIn('docs'),
  ...filesIn('docs/adr'),
];

/** Pages that begin with a list of their sections. */
const longPages = [
  'docs/protocol.md',
  'docs/operations.md',
  'docs/clients.md',
  'docs/ai-sdk.md',
  'docs/performance.md',
  'docs/reliability.md',
  'docs/troubleshooting.md',
];

/** A command of a page and what the page says that it prints. */
interface Example {
  readonly line: number;
  readonly command: string;
  readonly output: string;
}

const withExamples = ['README.md', 'docs/protocol.md', 'docs/events.md'];

describe.each(withExamples)('The examples of %s', (document) => {
  const examples = examplesIn(read(document));
  let service: ServiceProcess;

  beforeAll(async () => {
    service = await ServiceProcess.listening({});
  });
  afterAll(() => service.kill());

  it('exist', () => {
    expect(examples).not.toHaveLength(0);
  });

  it.each(examples)('print the output shown (line $line)', async ({ command, output }) => {
    const { host } = new URL(service.url);
    const printed = await run(command.replaceAll('127.0.0.1:8080', host));
    expect(withoutLastBreaks(printed)).toBe(withoutLastBreaks(output));
  });
});

describe('The documents', () => {
  it('list every error code with its status in the protocol', () => {
    const rows = read('docs/protocol.md').matchAll(/^\| (\d{3}) +\| `(\w+)` +\| \S/gm);
    const shown = [...rows].map(([, status, code]) => [code, Number(status)]);
    expect(shown).toEqual(Object.entries(errorTable).map(([code, { status }]) => [code, status]));
  });

  it('show in docs/ai-sdk.md the code of the examples', () => {
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

  it.each(longPages)('list their sections in order (%s)', (document) => {
    const page = read(document);
    const listed = [...page.matchAll(/^- \[(.+)\]\(#(.+)\)$/gm)].map(([, title, anchor]) => [
      title,
      anchor,
    ]);
    const sections = [...withoutCode(page).matchAll(/^## (.+)$/gm)].map(
      ([, title]) => title as string,
    );
    expect(listed).toEqual(sections.map((title) => [title, anchorOf(title)]));
  });

  it.each(documents)('link to sections that exist (%s)', (document) => {
    const links = [...withoutCode(read(document)).matchAll(/\]\((?!https?:)([^)#]*)#([^)]+)\)/g)];
    const targets = links.map(([, path, anchor]) => [
      path === '' ? document : join(dirname(document), path as string),
      anchor as string,
    ]);
    const missing = targets.filter(
      ([path, anchor]) => !anchorsIn(path as string).includes(anchor as string),
    );
    expect(missing).toEqual([]);
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

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```.*?^```$/gms, '');
}

function anchorsIn(path: string): string[] {
  return [...withoutCode(read(path)).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    anchorOf(title as string),
  );
}

/** The anchor that GitHub gives a heading. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
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

/** JSON responses end without a line break, but a block of a page has one. */
function withoutLastBreaks(output: string): string {
  return output.replace(/\n+$/, '');
}

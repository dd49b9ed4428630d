import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'docs/adr');
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

/** A decision as its file has it, or as the list does. */
interface Decision {
  readonly file: string;
  readonly title: string;
  readonly status: string;
}

const files = readdirSync(folder).filter((name) => name !== 'README.md');

const decisions: Decision[] = files.sort().map((file) => ({
  file,
  title: /^# (.*)$/m.exec(read(file))?.[1] ?? '',
  status: /^Status: (.*)$/m.exec(read(file))?.[1] ?? '',
}));

const listed: Decision[] = [
  ...read('README.md').matchAll(/^\| \[(\d{4})\]\(([^)]+)\) +\| (.+?) +\| (.+?) +\| \S.* \|$/gm),
].map(([, number, file, title, status]) => ({
  file: file as string,
  title: `${Number(number)}. ${title}`,
  status: status as string,
}));

describe('docs/adr', () => {
  it('lists every decision in order, with its title and status', () => {
    expect(listed.length).toBeGreaterThan(50);
    expect(listed).toEqual(decisions);
  });

  it('numbers decisions without a gap or a repeat', () => {
    const numbers = files.map((file) => Number(file.slice(0, 4)));
    expect(numbers).toEqual(files.map((_, index) => index + 1));
  });

  it('gives each decision the number of its file, a status and the same sections', () => {
    for (const { file, title, status } of decisions) {
      expect(title, file).toMatch(new RegExp(`^${Number(file.slice(0, 4))}\\. \\S`));
      expect(status, file).toMatch(/^(accepted|superseded by \d{4})$/);
      const sections = [...read(file).matchAll(/^## (.*)$/gm)].map(([, name]) => name);
      expect(sections, file).toEqual(['Context', 'Decision', 'Consequences']);
    }
  });
});

describe('The documents for contributors', () => {
  const documents = ['CONTRIBUTING.md', 'docs/adr'];

  it.each(documents)('name files and folders that exist (%s)', (document) => {
    const texts = document.endsWith('.md')
      ? [readFileSync(join(root, document), 'utf8')]
      : files.map(read);
    const path = /`((?:src|test|tools|docs|examples|\.github|\.ci)\/[\w./-]*)`/g;
    const named = texts.flatMap((text) =>
      [...text.matchAll(path)].map(([, name]) => name as string),
    );
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  });
});

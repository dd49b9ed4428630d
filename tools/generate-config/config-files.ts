import { extraVariables, type Setting, settings } from '../../src/config/settings.js';

const yamlHead = `# All settings at their defaults, generated from src/config/settings.ts: npm run generate:config
# Variables of the environment override this file; docs/configuration.md has their names.
# Durations: 500ms, 15s, 10m, 1h, 7d. Sizes: 100B, 256KiB, 1MiB, 2GiB.
`;

const dotenvHead = `# All variables at their defaults, generated from src/config/settings.ts: npm run generate:config
# Copy to .env and uncomment what should differ. The environment overrides .env, .env config.yaml.
# An empty variable counts as unset. Lists are comma-separated. Quote a value that has a # in it.
`;

/** Columns that a line of comment fills at most. */
const maxWidth = 100;

/** `config.yaml`. */
export function renderYaml(): string {
  const lines: string[] = [];
  let open: string[] = [];
  for (const { path, description, default: value } of settings) {
    const sections = path.split('.');
    const key = sections.pop() as string;
    sections.forEach((name, depth) => {
      if (open.slice(0, depth + 1).join() === sections.slice(0, depth + 1).join()) return;
      if (depth === 0) lines.push('');
      lines.push(`${indent(depth)}${name}:`);
    });
    open = sections;
    lines.push(...comment(description.replaceAll('`', ''), indent(sections.length)));
    lines.push(`${indent(sections.length)}${key}: ${toYaml(value)}`.trimEnd());
  }
  return `${yamlHead}${lines.join('\n')}\n`;
}

function indent(depth: number): string {
  return '  '.repeat(depth);
}

function toYaml(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '' : `[${value.join(', ')}]`;
  return String(value ?? '');
}

/** `.env.example`. */
export function renderDotenv(): string {
  const groups = new Map<string, string[]>([['', extraVariables.flatMap(dotenvLines)]]);
  for (const setting of settings) {
    const section = setting.path.split('.', 1)[0] as string;
    groups.set(section, [...(groups.get(section) ?? []), ...dotenvLines(setting)]);
  }
  const texts = [...groups.values()].map((lines) => `\n${lines.join('\n')}\n`);
  return dotenvHead + texts.join('');
}

function dotenvLines(setting: Omit<Setting, 'path'>): string[] {
  const { variable, fileVariable, description, default: value } = setting;
  const own = [...comment(withVariables(description)), `# ${variable}=${toText(value)}`];
  if (fileVariable === undefined) return own;
  return [...own, `# File that holds it, instead of ${variable}.`, `# ${fileVariable}=`];
}

/** Names settings by their variables. */
function withVariables(description: string): string {
  return description.replaceAll(/`([^`]+)`/g, (_, name: string) => {
    return settings.find(({ path }) => path === name)?.variable ?? name;
  });
}

function toText(value: unknown): string {
  return String(value ?? ''); // a list is comma-separated
}

function comment(text: string, indentation = ''): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    const longer = `${line} ${word}`;
    if (line === undefined || longer.length > maxWidth) lines.push(`${indentation}# ${word}`);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

const block = /(<!-- settings: (\w+) -->\n).*?(\n<!-- end of settings -->)/gs;

/** `docs/configuration.md` with its tables as they should be. @param page the page as it is */
export function renderPage(page: string): string {
  return page.replaceAll(block, (_, start: string, name: string, end: string) => {
    return `${start}\n${renderTable(name)}\n${end}`;
  });
}

function renderTable(section: string): string {
  const rows = section === 'variables' ? extraRows() : settingRows(section);
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(column === cells.length - 1 ? 0 : (widths[column] ?? 0))).join(' | ')} |`;
  const [head = [], ...body] = rows;
  const rule = widths.map((width, column) => '-'.repeat(column === widths.length - 1 ? 3 : width));
  return [head, rule, ...body].map(line).join('\n');
}

function extraRows(): string[][] {
  const rows = extraVariables.map(({ variable, description, default: value }) => [
    code(variable),
    code(toText(value)),
    description,
  ]);
  return [['variable', 'default', 'what it does'], ...rows];
}

function settingRows(section: string): string[][] {
  const rows = settings.flatMap(({ path, variable, fileVariable, description, default: value }) => {
    if (!path.startsWith(`${section}.`)) return [];
    const variables = fileVariable ? `${code(variable)}, ${code(fileVariable)}` : code(variable);
    return [[code(path), variables, code(toText(value)), description]];
  });
  return [['setting', 'variable', 'default', 'what it does'], ...rows];
}

function code(text: string): string {
  return text === '' ? '–' : `\`${text}\``;
}

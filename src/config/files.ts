import { readFileSync } from 'node:fs';
import { getSystemErrorMap, parseEnv } from 'node:util';
import { parseDocument } from 'yaml';
import { ConfigError } from './config-error.js';

export type Mapping = Record<string, unknown>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns null when the file does not exist. @throws ConfigError when it cannot be read */
export function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code, errno = 0 } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    const [, reason] = getSystemErrorMap().get(errno) ?? ['', 'this is not the path of a file'];
    throw new ConfigError([`${path}: cannot be read: ${reason}`]);
  }
}

/**
 * Reads a YAML file. Errors name the place and the kind: the messages of the parser may quote secrets.
 *
 * @throws ConfigError
 */
export function readYaml(path: string, mustExist: boolean): Mapping {
  const content = readIfThere(path);
  if (content === null) {
    if (!mustExist) return {};
    throw new ConfigError([`CONFIG_FILE: there is no file ${path}`]);
  }
  const yaml = parseDocument(content, { logLevel: 'error' }); // warnings on stderr would quote the file
  const errors = [...yaml.errors, ...yaml.warnings].map(({ code, linePos }) => {
    const kind = code.toLowerCase().replaceAll('_', ' ');
    return `${path}, line ${linePos?.[0].line}, column ${linePos?.[0].col}: ${kind}`;
  });
  if (errors.length > 0) throw new ConfigError(errors);
  const document: unknown = resolveAliases(yaml, path) ?? {};
  if (isMapping(document)) return document;
  throw new ConfigError([`${path}: must be a mapping`]);
}

function resolveAliases(yaml: { toJS(): unknown }, path: string): unknown {
  try {
    return yaml.toJS();
  } catch {
    throw new ConfigError([`${path}: has an alias (*name) without its anchor, or far too many`]);
  }
}

interface Dotenv {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly errors: readonly string[];
}

/** @throws ConfigError when the file cannot be read */
export function readDotenv(path: string): Dotenv {
  const text = readIfThere(path)?.replace(/^\uFEFF/, '') ?? '';
  return { variables: parseEnv(text), errors: dotenvErrors(path, text) };
}

/**
 * One entry of `.env`: blank, a comment, or `NAME=value`. Quotes may contain line breaks, and only a
 * comment may follow them. An unquoted value has no `#`, where Node.js would cut it off.
 */
const entry =
  /[ \t]*(?:(?:export +)?[A-Za-z_]\w*[ \t]*=[ \t]*(?:"[^"]*"|'[^']*'|`[^`]*`|[^\s#"'`][^\r\n#]*)?)?(?:[ \t]*(?<![^\s"'`])#[^\r\n]*)?[ \t]*(?:\r?\n|$)/y;

const openQuote = /[ \t]*(?:export +)?[A-Za-z_]\w*[ \t]*=[ \t]*(["'`])/y;

/**
 * Errors for lines that Node.js would skip silently or misread. The messages name the lines, and
 * never quote them.
 */
function dotenvErrors(path: string, text: string): string[] {
  const errors: string[] = [];
  let start = 0;
  while (start < text.length) {
    const end = endOfMatch(entry, text, start);
    if (end !== null) {
      start = end;
      continue;
    }
    const place = `${path}, line ${text.slice(0, start).split('\n').length}`;
    if (hasOpenQuote(text, start)) return [...errors, `${place}: a quote is not closed`];
    errors.push(`${place}: must be NAME=value, with quotes around a value that has a # in it`);
    const lineBreak = text.indexOf('\n', start);
    start = lineBreak === -1 ? text.length : lineBreak + 1;
  }
  return errors;
}

function hasOpenQuote(text: string, start: number): boolean {
  const end = endOfMatch(openQuote, text, start);
  return end !== null && !text.includes(text[end - 1] as string, end);
}

function endOfMatch(pattern: RegExp, text: string, start: number): number | null {
  pattern.lastIndex = start;
  return pattern.test(text) ? pattern.lastIndex : null;
}

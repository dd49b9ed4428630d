/**
 * One line of `.env`: blank, a comment, or `NAME=value`. Quotes may hold line breaks, and have nothing
 * but a comment behind them. Without quotes a value holds no `#`: Node.js would cut it off there.
 */
const entry =
  /[ \t]*(?:(?:export +)?[A-Za-z_]\w*[ \t]*=[ \t]*(?:"[^"]*"|'[^']*'|`[^`]*`|[^\s#"'`][^\r\n#]*)?)?(?:[ \t]*(?<![^\s"'`])#[^\r\n]*)?[ \t]*(?:\r?\n|$)/y;

const openQuote = /[ \t]*(?:export +)?[A-Za-z_]\w*[ \t]*=[ \t]*(["'`])/y;

/**
 * What Node.js would skip in silence, or read as something else than it says. The messages name
 * lines, never what is in them.
 */
export function dotenvFaults(path: string, text: string): string[] {
  const faults: string[] = [];
  let start = 0;
  while (start < text.length) {
    const end = endOfMatch(entry, text, start);
    if (end !== null) {
      start = end;
      continue;
    }
    const place = `${path}, line ${text.slice(0, start).split('\n').length}`;
    if (hasOpenQuote(text, start)) return [...faults, `${place}: a quote is not closed`];
    faults.push(`${place}: must be NAME=value, with quotes around a value that has a # in it`);
    const lineBreak = text.indexOf('\n', start);
    start = lineBreak === -1 ? text.length : lineBreak + 1;
  }
  return faults;
}

function hasOpenQuote(text: string, start: number): boolean {
  const end = endOfMatch(openQuote, text, start);
  return end !== null && !text.includes(text[end - 1] as string, end);
}

function endOfMatch(pattern: RegExp, text: string, start: number): number | null {
  pattern.lastIndex = start;
  return pattern.test(text) ? pattern.lastIndex : null;
}

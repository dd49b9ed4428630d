/**
 * The page with this content between `<!-- mark -->` and `<!-- end of mark -->`.
 *
 * @throws Error when the page has not one such mark
 */
export function fillMark(page: string, mark: string, content: string): string {
  const [begin, end] = [`<!-- ${mark} -->\n`, `<!-- end of ${mark} -->`];
  const [before, rest] = split(page, begin);
  const [, after] = split(rest, end);
  return `${before}${begin}\n${content}\n\n${end}${after}`;
}

function split(text: string, mark: string): [string, string] {
  const parts = text.split(mark);
  if (parts.length !== 2) throw new Error(`the page has not one ${mark}`);
  return parts as [string, string];
}

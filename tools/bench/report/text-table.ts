type Rows = readonly (readonly string[])[];

/** Columns as wide as they need to be: the first ones are words, the others figures. */
export function textTable(rows: Rows, wordColumns = 1): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) =>
    row.map((cell, column) => pad(cell, widths[column] as number, column < wordColumns)).join('  '),
  );
  return lines.map((line) => line.trimEnd()).join('\n');
}

export function markdownTable(rows: Rows, wordColumns = 1): string {
  const [head = [], ...body] = rows;
  const rule = head.map((_, column) => (column < wordColumns ? '---' : '---:'));
  return [head, rule, ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function pad(cell: string, width: number, isWord: boolean): string {
  return isWord ? cell.padEnd(width) : cell.padStart(width);
}

import type { HttpClient } from './http-client.js';
import { type LogName, sessionOfLoad } from './load.js';

/** The events or inputs of a stream as the service keeps them, byte for byte, read page by page. */
export async function storedElements(
  client: HttpClient,
  base: string,
  mid: string,
  log: LogName,
): Promise<string[]> {
  const elements: string[] = [];
  while (true) {
    const query = `?limit=1000&offset=${elements.length}`;
    const url = `${base}/sessions/${sessionOfLoad}/messages/${mid}/${log}${query}`;
    const page = await client.getText(url);
    const found = objectsIn(page.slice(page.indexOf('[') + 1));
    if (found.length === 0) return elements;
    elements.push(...found);
  }
}

/** The texts of the JSON objects that follow one another here, up to what follows them. */
function objectsIn(text: string): string[] {
  const objects: string[] = [];
  for (let from = 0; text[from] === '{'; ) {
    const end = endOfObject(text, from);
    objects.push(text.slice(from, end));
    from = text[end] === ',' ? end + 1 : end;
  }
  return objects;
}

function endOfObject(text: string, from: number): number {
  const token = /"(?:[^"\\]|\\.)*"|[{}]/gs;
  token.lastIndex = from;
  for (let depth = 0; ; ) {
    const [found] = token.exec(text) ?? ['}'];
    if (found === '{') depth += 1;
    if (found === '}') depth -= 1;
    if (depth <= 0) return token.lastIndex;
  }
}

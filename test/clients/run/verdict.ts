import type { Received } from '../foreign-client.js';

/** `ok`, or what went wrong: `lost 3, repeated 1`. */
export type Verdict = string;

/**
 * Compares what a client handed to its user with what was appended.
 *
 * @param expected the contents of all events, in order; no two are alike
 * @returns what went wrong
 */
export function compare(received: readonly Received[], expected: readonly string[]): string[] {
  const events = received.flatMap(toEvents);
  const contents = events.map(({ content }) => content);
  const known = contents.filter((content) => expected.includes(content));
  const first = [...new Set(known)];
  const isOrdered = first.every(
    (content, index) => index === 0 || place(first[index - 1]) < place(content),
  );
  function place(content: string | undefined): number {
    return expected.indexOf(content as string);
  }
  const faults: [string, number][] = [
    ['lost', expected.length - first.length],
    ['repeated', known.length - first.length],
    ['junk', contents.length - known.length],
    ['misnumbered', events.filter((event) => !isNumberedRight(event)).length],
  ];
  const found = faults.filter(([, count]) => count > 0).map(([name, count]) => `${name} ${count}`);
  return isOrdered ? found : [...found, 'out of order'];
}

interface ReadEvent {
  readonly id: string;
  readonly content: string;
}

/** Chunks of a compact replay come as one event, with the id of the last of them. None come of a reset. */
function toEvents({ id, data }: Received): readonly ReadEvent[] {
  const { content = data, reason } = toFields(data);
  if (reason !== undefined) return [];
  const parts: readonly string[] = String(content).match(/<[^>]*>/g) ?? [String(content)];
  return parts.map((part, index) => ({ content: part, id: index < parts.length - 1 ? '' : id }));
}

function toFields(data: string): { content?: unknown; reason?: unknown } {
  try {
    return JSON.parse(data);
  } catch {
    return {};
  }
}

/** Whether the id is that of the event, whose content begins with its stream and its number. */
function isNumberedRight({ id, content }: ReadEvent): boolean {
  const number = /^<\d+\.(\d+) /.exec(content)?.[1];
  return id === '' || number === undefined || id.startsWith(`${number}-`);
}

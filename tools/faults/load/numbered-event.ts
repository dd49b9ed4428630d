import { createHash } from 'node:crypto';

/** What is hard to carry unchanged: line breaks of all kinds, quotes, characters of many bytes. */
const hardTexts = ['\r\n\r\nevent: x', '\u2028\u2029\u0085', '"\\', '日本語 🦉', '\ufeff', ' : '];

export interface NumberedEvent {
  readonly stream: string;
  readonly number: number;
}

/** The JSON of an event that tells where it belongs, with a digest of its content. */
export function numberedEvent({ stream, number }: NumberedEvent, isLast: boolean): string {
  const hard = hardTexts[number % hardTexts.length];
  const content = `${stream} ${number} ${hard} ${'x'.repeat((number * 37) % 100)}`;
  const type = isLast ? 'complete' : 'answer';
  return JSON.stringify({ type, id: 'a', content, data: { sha256: sha256Of(content) } });
}

/** Where an event belongs, given as JSON; null when it is none of ours, or not as it was sent. */
export function readNumbered(text: string): NumberedEvent | null {
  const { content, data } = parse(text);
  if (typeof content !== 'string' || data?.sha256 !== sha256Of(content)) return null;
  const [stream = '', number] = content.split(' ', 2);
  return { stream, number: Number(number) };
}

/** What the service itself appends when the lease of a producer expires. */
export function isProducerLost(text: string): boolean {
  return parse(text).data?.code === 'producer_lost';
}

interface EventJson {
  readonly content?: unknown;
  readonly data?: { readonly sha256?: unknown; readonly code?: unknown };
}

function parse(text: string): EventJson {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

function sha256Of(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

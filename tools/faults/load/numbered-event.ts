import { createHash } from 'node:crypto';

/** What is hard to carry unchanged: line breaks of all kinds, quotes, characters of many bytes. */
const hardTexts = ['\r\n\r\nevent: x', '\u2028\u2029\u0085', '"\\', '日本語 🦉', '\ufeff', ' : '];

export interface NumberedEvent {
  readonly stream: string;
  readonly number: number;
  /** The numbers of the inputs that it has taken in; absent when its worker reads none. */
  readonly inputs?: readonly number[] | undefined;
}

/** The JSON of an event that tells where it belongs, with a digest of its content. */
export function numberedEvent({ stream, number, inputs }: NumberedEvent, isLast: boolean): string {
  const content = contentOf(stream, number);
  const type = isLast ? 'complete' : 'answer';
  return JSON.stringify({ type, id: 'a', content, data: { sha256: sha256Of(content), inputs } });
}

/** The JSON of an input to a stream, likewise. */
export function numberedInput(stream: string, number: number): string {
  const content = contentOf(`${stream}/inputs`, number);
  const data = { sha256: sha256Of(content) };
  return JSON.stringify({ type: 'message', id: `i${number}`, content, data });
}

/** Where an event belongs, given as JSON; null when it is none of ours, or not as it was sent. */
export function readNumbered(text: string): NumberedEvent | null {
  const { content, data } = parse(text);
  if (typeof content !== 'string' || data?.sha256 !== sha256Of(content)) return null;
  const [stream = '', number] = content.split(' ', 2);
  return { stream, number: Number(number), inputs: data.inputs };
}

/** The same of an input: the stream that it was sent to. */
export function readInput(text: string): NumberedEvent | null {
  const { stream, number } = readNumbered(text) ?? { stream: '', number: -1 };
  return stream.endsWith('/inputs') ? { stream: stream.slice(0, -'/inputs'.length), number } : null;
}

/** Whether it ends a stream. */
export function isEnding(text: string): boolean {
  return isProducerLost(text) || parse(text).type === 'complete';
}

/** What the service itself appends when the lease of a producer expires. */
export function isProducerLost(text: string): boolean {
  return parse(text).data?.code === 'producer_lost';
}

interface EventJson {
  readonly type?: unknown;
  readonly content?: unknown;
  readonly data?: {
    readonly sha256?: unknown;
    readonly code?: unknown;
    readonly inputs?: readonly number[];
  };
}

function parse(text: string): EventJson {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

function contentOf(stream: string, number: number): string {
  const hard = hardTexts[number % hardTexts.length];
  return `${stream} ${number} ${hard} ${'x'.repeat((number * 37) % 100)}`;
}

function sha256Of(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

import type { ErrorCode } from '../errors.js';
import type { JsonSchema } from './schemas.js';

/** What the document says of a route, beside what its validation and its access tell. */
export interface Operation {
  /** A unique name, after which generators call their functions. */
  readonly id: string;
  readonly tag: Tag;
  /** One line. */
  readonly summary: string;
  /** Markdown. */
  readonly description?: string;
  readonly headers?: readonly Header[];
  readonly body?: Body;
  /** All answers that are no problems, by their status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** The problems that are its own: those of ids, keys and the store are added where they apply. */
  readonly problems: readonly ErrorCode[];
  /** Whether its refusals say how many events of the body are stored. */
  readonly reportsStored?: boolean;
  /** Whether a 503 may say when to come back. */
  readonly saysWhenToReturn?: boolean;
  /** Whether it asks the store, which may fail. The feed does too, and answers 200 all the same. */
  readonly usesStore?: boolean;
}

export type Tag = 'Workers' | 'Readers' | 'Operators';

export interface Header {
  readonly name: string;
  readonly description: string;
  readonly schema: JsonSchema;
  readonly required?: boolean;
}

export interface Body {
  readonly required: boolean;
  readonly content: Content;
}

export interface Answer {
  readonly description: string;
  readonly headers?: readonly Header[];
  readonly content?: Content;
}

/** By media type. */
export type Content = Readonly<Record<string, MediaType>>;

export interface MediaType {
  readonly schema: JsonSchema;
  readonly examples?: Readonly<
    Record<string, { readonly summary?: string; readonly value: unknown }>
  >;
}

export function json(schema: JsonSchema, example: unknown): Content {
  return { 'application/json': { schema, examples: { example: { value: example } } } };
}

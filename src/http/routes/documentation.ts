import { z } from 'zod';
import type { ErrorCode } from '../../errors.js';

/** The metadata in the `schema` of a route that is for the document alone: it neither validates nor serializes. */
declare module 'fastify' {
  interface FastifySchema {
    /** The headers that the handler reads. */
    requestHeaders?: z.ZodObject;
    requestBody?: DocumentedBody;
    /** The errors of the route itself; those of ids and of access are added by rule. */
    problems?: readonly ErrorCode[];
  }
}

/** The content of a body, by media type. */
export type Content = Readonly<Record<string, MediaType>>;

interface MediaType {
  readonly schema: z.ZodType;
  readonly examples?: Examples;
}

type Examples = Readonly<Record<string, { readonly summary?: string; readonly value: unknown }>>;

export interface DocumentedBody {
  readonly required: boolean;
  readonly content: Content;
}

/** A response other than a problem, by its status in `schema.response`. */
export interface DocumentedResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, ResponseHeader>>;
  readonly content?: Content;
}

export interface ResponseHeader {
  readonly description: string;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly required?: boolean;
}

/** The schemas that the document names below `components`, each by its id. */
export const components = z.registry<{ id: string }>();

/** Errors of a route that asks the store. */
export const storeErrors = ['backend_unavailable', 'internal'] as const satisfies ErrorCode[];

export function jsonContent<Schema extends z.ZodType>(schema: Schema, example: unknown) {
  return { 'application/json': { schema, examples: { example: { value: example } } } };
}

export const noStore = {
  'Cache-Control': {
    description: 'The response is valid for this moment only.',
    schema: { const: 'no-store' },
    required: true,
  },
} as const satisfies Record<string, ResponseHeader>;

export const eventExample = {
  id: 'a1',
  type: 'answer',
  content: 'Cats sleep.',
  done: true,
  timestamp: '2026-01-01T12:00:02Z',
};

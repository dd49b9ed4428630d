import type { OpenAPIV3_1 } from 'openapi-types';
import { z } from 'zod';
import type { ErrorCode } from '../../errors.js';

/** The metadata in the `schema` of a route that is for the document alone: it neither validates nor serializes. */
declare module 'fastify' {
  interface FastifySchema {
    /** The headers that the handler reads. */
    requestHeaders?: z.ZodObject;
    requestBody?: { readonly required: boolean; readonly content: Content };
    /** The errors of the route itself; those of ids and of access are added by rule. */
    problems?: readonly ErrorCode[];
  }
}

/** The content of a body, by media type. */
export type Content = Readonly<Record<string, { schema: z.ZodType; examples?: Examples }>>;

type Examples = Readonly<Record<string, { readonly summary?: string; readonly value: unknown }>>;

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

export const inputsHeader = {
  'Inputs-Next-Offset': {
    description: 'The offset after the last input of the stream.',
    schema: { type: 'integer', minimum: 0 },
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

type JsonSchema = OpenAPIV3_1.SchemaObject;

/** A reference to the schema if the document names it, else the schema itself. */
export function toJsonSchema(schema: z.ZodType): JsonSchema {
  const id = components.get(schema)?.id;
  return id === undefined
    ? bare(z.toJSONSchema(schema, { unrepresentable: 'any' }))
    : ({ $ref: uriOf(id) } as JsonSchema);
}

/** All schemas that the document names, as they stand below `components`. */
export function componentSchemas(): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(components, {
    io: 'input',
    uri: uriOf,
    override: dropPattern,
    unrepresentable: 'any', // `data`, which has its own type
  });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, bare(schema)]));
}

function uriOf(id: string): string {
  return `#/components/schemas/${id}`;
}

/** A date and time has its format; zod's pattern for one is of no use to people. */
function dropPattern({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
}

/** Without the fields that say which JSON Schema this is, and where: the document itself does. */
function bare({ $schema, $id, ...schema }: z.core.JSONSchema.BaseSchema): JsonSchema {
  return schema as JsonSchema;
}

import type { OpenAPIV3_1 } from 'openapi-types';
import { z } from 'zod';
import { components } from '../http/routes/documentation.js';

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

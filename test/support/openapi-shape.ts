/**
 * The part of OpenAPI 3.1 that the service's document uses, as JSON Schema: no object has a field
 * that the specification does not know, or lacks one that it requires.
 */
const text = { type: 'string', minLength: 1 };
const mapOf = (schema: object, pattern = '.') => ({
  type: 'object',
  propertyNames: { pattern },
  additionalProperties: schema,
  minProperties: 1,
});
/** @param required names, separated by spaces */
const closed = (required: string, properties: Record<string, object>) => ({
  type: 'object',
  properties,
  required: required.split(' ').filter((name) => name !== ''),
  additionalProperties: false,
});

/** What a schema may be, its own `$schema` says: see `schemasOf`. */
const schema = { type: 'object' };

const example = closed('value', { summary: text, value: true as never });
const content = mapOf(closed('schema', { schema, examples: mapOf(example) }), '^[a-z]+/[a-z+-]+$');
const header = closed('schema', { description: text, required: { type: 'boolean' }, schema });
const parameter = {
  ...closed('name in description schema', {
    name: text,
    in: { enum: ['path', 'query', 'header'] },
    description: text,
    required: { type: 'boolean' },
    schema,
  }),
  if: { type: 'object', properties: { in: { const: 'path' } } },
  // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
  then: { type: 'object', properties: { required: { const: true } }, required: ['required'] },
  // These three are the security schemes' and the bodies' to describe.
  not: {
    type: 'object',
    properties: {
      in: { const: 'header' },
      name: { enum: ['Accept', 'Content-Type', 'Authorization'] },
    },
  },
};

const response = closed('description', { description: text, headers: mapOf(header), content });
const operation = closed('operationId tags summary security responses', {
  operationId: { type: 'string', pattern: '^[a-z][A-Za-z]+$' },
  tags: { type: 'array', items: text, minItems: 1 },
  summary: text,
  description: text,
  security: { type: 'array', items: mapOf({ type: 'array', items: text }) },
  parameters: { type: 'array', items: parameter, minItems: 1 },
  requestBody: closed('content', { required: { type: 'boolean' }, content }),
  responses: mapOf(response, '^[1-5][0-9][0-9]$'),
});
const http = { type: { const: 'http' }, scheme: text, bearerFormat: text, description: text };
const places = { enum: ['query', 'header', 'cookie'] };
const apiKey = { type: { const: 'apiKey' }, in: places, name: text, description: text };
const securityScheme = { oneOf: [closed('type scheme', http), closed('type in name', apiKey)] };

export const documentShape = closed('openapi info paths', {
  openapi: { type: 'string', pattern: '^3\\.1\\.\\d+$' },
  info: closed('title version', {
    title: text,
    version: text,
    description: text,
    license: closed('name identifier', { name: text, identifier: text }),
  }),
  servers: { type: 'array', items: closed('url', { url: text, description: text }) },
  tags: { type: 'array', items: closed('name', { name: text, description: text }) },
  paths: mapOf(mapOf(operation, '^(get|put|post|delete|options|head|patch|trace)$'), '^/'),
  components: closed('', {
    schemas: mapOf(schema, '^[A-Za-z0-9._-]+$'),
    securitySchemes: mapOf(securityScheme, '^[A-Za-z0-9._-]+$'),
  }),
});

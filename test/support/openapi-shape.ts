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
const closed = (properties: Record<string, object>, ...required: string[]) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

/** What a schema may be, its own `$schema` says: see `schemasOf`. */
const schema = { type: 'object' };

const content = mapOf(
  closed(
    { schema, examples: mapOf(closed({ summary: text, value: true as never }, 'value')) },
    'schema',
  ),
  '^[a-z]+/[a-z+-]+$',
);

const header = closed({ description: text, required: { type: 'boolean' }, schema }, 'schema');

const parameter = {
  ...closed(
    {
      name: text,
      in: { enum: ['path', 'query', 'header'] },
      description: text,
      required: { type: 'boolean' },
      schema,
    },
    'name',
    'in',
    'description',
    'schema',
  ),
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

const response = closed({ description: text, headers: mapOf(header), content }, 'description');

const operation = closed(
  {
    operationId: { type: 'string', pattern: '^[a-z][A-Za-z]+$' },
    tags: { type: 'array', items: text, minItems: 1 },
    summary: text,
    description: text,
    security: { type: 'array', items: mapOf({ type: 'array', items: text }) },
    parameters: { type: 'array', items: parameter, minItems: 1 },
    requestBody: closed({ required: { type: 'boolean' }, content }, 'content'),
    responses: mapOf(response, '^[1-5][0-9][0-9]$'),
  },
  'operationId',
  'tags',
  'summary',
  'security',
  'responses',
);

const securityScheme = {
  oneOf: [
    closed(
      { type: { const: 'http' }, scheme: text, bearerFormat: text, description: text },
      'type',
      'scheme',
    ),
    closed(
      {
        type: { const: 'apiKey' },
        in: { enum: ['query', 'header', 'cookie'] },
        name: text,
        description: text,
      },
      'type',
      'in',
      'name',
    ),
  ],
};

export const documentShape = closed(
  {
    openapi: { type: 'string', pattern: '^3\\.1\\.\\d+$' },
    info: closed(
      {
        title: text,
        version: text,
        description: text,
        license: closed({ name: text, identifier: text }, 'name', 'identifier'),
      },
      'title',
      'version',
    ),
    servers: { type: 'array', items: closed({ url: text, description: text }, 'url') },
    tags: { type: 'array', items: closed({ name: text, description: text }, 'name') },
    paths: mapOf(mapOf(operation, '^(get|put|post|delete|options|head|patch|trace)$'), '^/'),
    components: closed({
      schemas: mapOf(schema, '^[A-Za-z0-9._-]+$'),
      securitySchemes: mapOf(securityScheme, '^[A-Za-z0-9._-]+$'),
    }),
  },
  'openapi',
  'info',
  'paths',
);

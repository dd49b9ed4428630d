import fastifySwagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import type { OpenAPIV3_1 } from 'openapi-types';
import type { Answer, Content, Header, Operation } from './operation.js';
import { operations } from './operations.js';
import { problemAnswers } from './problems.js';
import { componentSchemas } from './schemas.js';
import { securityFor, securitySchemes } from './security.js';

const description = `
Workers append what an agent does; browsers follow it over server-sent events and, when they were cut off,
go on where they were.

Every refusal is a problem document (RFC 9457) with a \`code\`. Besides those that each route names:
404 \`not_found\` for a path that leads nowhere, 405 \`method_not_allowed\` with \`Allow\`, and, before a
request is understood, 400 \`invalid_header\`, 408 \`request_timeout\`, 421 \`misdirected_request\` for a host
name that is not allowed, 431 \`headers_too_large\` and 501 \`not_implemented\`.
Each \`GET\` may also be a \`HEAD\`.`;

const tags = [
  { name: 'Workers', description: 'They append, and learn that they are to stop.' },
  { name: 'Readers', description: 'They follow streams, or read them.' },
  { name: 'Operators', description: 'They look after the service, and delete.' },
];

export interface DocumentOptions {
  /** Of the service. */
  readonly version: string;
  /** The cookie that may bring a reader's token. */
  readonly tokenCookie: string;
}

/**
 * Collects all routes that are registered afterwards for the document that `app.swagger()` gives.
 * Parameters come from the schemas that validate them; the answers are documented apart from the
 * routes, so that nothing that is sent goes through a serializer.
 */
export async function collectRoutes(
  app: FastifyInstance,
  { version, tokenCookie }: DocumentOptions,
): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Rejoin',
        version,
        description: description.trim(),
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags,
      components: { securitySchemes: securitySchemes(tokenCookie) },
    },
    transform: (route) => {
      const { schema, url } = jsonSchemaTransform({ ...route, schema: route.schema ?? {} });
      const security = securityFor(route.route.config?.access);
      return { schema: { ...schema, ...(security.length > 0 && { security }) }, url };
    },
    transformObject: (collected) => {
      if ('swaggerObject' in collected) return collected.swaggerObject;
      return complete(collected.openapiObject as OpenAPIV3_1.Document);
    },
  });
}

/** Adds what is known beside the routes themselves. */
function complete(document: OpenAPIV3_1.Document): OpenAPIV3_1.Document {
  const paths = Object.entries(operations).map(([url, methods]) => {
    const path = url.replaceAll(/:(\w+)/g, '{$1}');
    const collected = document.paths?.[path] as Record<string, OpenAPIV3_1.OperationObject>;
    const entries = Object.entries(methods).map(([method, operation]) => [
      method,
      describe(operation, collected[method] ?? {}),
    ]);
    return [path, Object.fromEntries(entries)];
  });
  return {
    ...document,
    servers: [{ url: '.', description: 'The service that this document came from' }],
    paths: Object.fromEntries(paths),
    components: { ...document.components, schemas: componentSchemas() },
  } as OpenAPIV3_1.Document;
}

function describe(
  operation: Operation,
  { parameters = [], security }: OpenAPIV3_1.OperationObject,
): OpenAPIV3_1.OperationObject {
  const takesIds = parameters.some((one) => 'in' in one && one.in === 'path');
  const problems = problemAnswers(operation, { takesIds, needsKey: security !== undefined });
  const { id, tag, summary, description: text, headers = [], body } = operation;
  const all = [...parameters, ...headers.map((header) => ({ in: 'header', ...header }))];
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(text !== undefined && { description: text }),
    security: security ?? [],
    ...(all.length > 0 && { parameters: all as OpenAPIV3_1.ParameterObject[] }),
    ...(body !== undefined && { requestBody: { required: body.required, content: body.content } }),
    responses: toResponses({ ...operation.answers, ...problems }),
  } as OpenAPIV3_1.OperationObject;
}

function toResponses(answers: Readonly<Record<number, Answer>>) {
  const entries = Object.entries(answers).map(
    ([status, { description: text, headers, content }]) => [
      status,
      {
        description: text,
        ...(headers !== undefined && { headers: toHeaders(headers) }),
        ...(content !== undefined && { content: content satisfies Content }),
      },
    ],
  );
  return Object.fromEntries(entries);
}

function toHeaders(headers: readonly Header[]) {
  return Object.fromEntries(headers.map(({ name, ...header }) => [name, header]));
}

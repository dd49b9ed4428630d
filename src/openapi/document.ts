import fastifySwagger, { type SwaggerTransform } from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import type { OpenAPIV3_1 } from 'openapi-types';
import { type Access, accessRules } from '../auth/access-rules.js';
import {
  type Content,
  componentSchemas,
  type DocumentedResponse,
  toJsonSchema,
} from '../http/routes/route-metadata.js';
import { problemResponses } from './problems.js';

const description = `
Workers append what an agent does; browsers follow it over server-sent events and, after a disconnection, resume where
they were.

Every rejection is a problem document (RFC 9457) with a \`code\`. Besides those that each route names:
404 \`not_found\` for a path without a route, 405 \`method_not_allowed\` with \`Allow\`, and, before a
request is understood, 400 \`invalid_header\`, 408 \`request_timeout\`, 421 \`misdirected_request\` for a host
name that is not allowed, 431 \`headers_too_large\` and 501 \`not_implemented\`.
Each \`GET\` may also be a \`HEAD\`.`;

const tags = [
  { name: 'Workers', description: 'They append, and learn that their stream was stopped.' },
  { name: 'Readers', description: 'They follow streams, or read them.' },
  { name: 'Inputs', description: 'The way back: what readers send to the worker of a stream.' },
  { name: 'Operators', description: 'They look after the service, and delete.' },
];

/** Collects all routes that are registered afterwards for the document of `app.swagger()`. */
export async function collectRoutes(
  app: FastifyInstance,
  version: string,
  tokenCookie: string,
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
      servers: [{ url: '.', description: 'The service that this document came from' }],
      tags,
      components: { securitySchemes: securitySchemes(tokenCookie) },
    },
    transform,
    stripBasePath: false,
    transformObject: (collected) => complete(collected as { openapiObject: Document }),
  });
}

type Document = OpenAPIV3_1.Document;
type Collected = OpenAPIV3_1.OperationObject<{ 'x-exchange': object }>;

/**
 * The metadata of a route. Bodies and responses bypass the plugin, which supports neither required
 * response headers nor optional bodies, nor examples of either.
 */
const transform: SwaggerTransform = ({ schema = {}, ...rest }) => {
  const { requestHeaders: headers, requestBody, response, problems, ...own } = schema;
  const { schema: converted, url } = jsonSchemaTransform({ schema: { ...own, headers }, ...rest });
  if (own.hide) return { schema: converted, url };
  const exchange = {
    ...(requestBody && {
      requestBody: { ...requestBody, content: toContent(requestBody.content) },
    }),
    responses: { ...toResponses(response), ...problemResponses(rest.route) },
  };
  const security = securityFor(rest.route.config?.access);
  return { schema: { ...converted, security, 'x-exchange': exchange }, url };
};

function toResponses(responses: unknown) {
  return mapValues(responses as Record<string, DocumentedResponse>, ({ content, ...response }) =>
    content === undefined ? response : { ...response, content: toContent(content) },
  );
}

function toContent(content: Content) {
  return mapValues(content, ({ schema, ...media }) => ({ ...media, schema: toJsonSchema(schema) }));
}

/** Removes HEAD routes: the description says once that every GET may be a HEAD. */
function complete({ openapiObject }: { openapiObject: Document }): Document {
  const paths = openapiObject.paths as Record<string, Record<string, Collected>>;
  const schemas = componentSchemas();
  return {
    ...openapiObject,
    paths: mapValues(paths, ({ head, ...methods }) =>
      mapValues(methods, ({ 'x-exchange': exchange, ...operation }) => ({
        ...operation,
        ...exchange,
      })),
    ),
    components: { ...openapiObject.components, schemas },
  };
}

function mapValues<Value, Mapped>(
  record: Readonly<Record<string, Value>>,
  map: (value: Value) => Mapped,
): Record<string, Mapped> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

/** The places where a request may have a reader token. */
const tokenSchemes = ['readerToken', 'readerTokenCookie', 'readerTokenQuery'] as const;

/** The credentials that a request may have. */
function securitySchemes(tokenCookie: string): Record<string, OpenAPIV3_1.SecuritySchemeObject> {
  return {
    apiKey: {
      type: 'http',
      scheme: 'bearer',
      description:
        'An API key with the scope that the route needs: `<key id>.<secret>`. A service without keys needs none.',
    },
    readerToken: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description:
        'A reader token for one stream, or one session, that an application signs; if the service accepts them.',
    },
    readerTokenCookie: {
      type: 'apiKey',
      in: 'cookie',
      name: tokenCookie,
      description:
        'The same token. With it, only pages of the service itself, or of a listed origin, may stop a stream.',
    },
    readerTokenQuery: {
      type: 'apiKey',
      in: 'query',
      name: 'token',
      description: 'The same token, for an EventSource, which cannot set headers.',
    },
  };
}

/** The schemes of a route, each of which is enough; none for a public one. */
function securityFor(access: Access | undefined): Record<string, string[]>[] {
  if (access === 'public') return [];
  const isForReaders = access !== undefined && accessRules[access].right !== null;
  const names = ['apiKey', ...(isForReaders ? tokenSchemes : [])];
  return names.map((name) => ({ [name]: [] }));
}

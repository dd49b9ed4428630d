import type { OpenAPIV3_1 } from 'openapi-types';
import { type Access, accessRules } from '../auth/access-rules.js';

/** The places where a request may have a reader token. */
const tokenSchemes = ['readerToken', 'readerTokenCookie', 'readerTokenQuery'] as const;

type SchemeName = 'apiKey' | (typeof tokenSchemes)[number];

/** The credentials that a request may have. */
export function securitySchemes(
  tokenCookie: string,
): Record<SchemeName, OpenAPIV3_1.SecuritySchemeObject> {
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
export function securityFor(access: Access | undefined): Record<string, string[]>[] {
  if (access === 'public') return [];
  const isForReaders = access !== undefined && accessRules[access].right !== null;
  const names = ['apiKey', ...(isForReaders ? tokenSchemes : [])];
  return names.map((name) => ({ [name]: [] }));
}

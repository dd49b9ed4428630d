import type { OpenAPIV3_1 } from 'openapi-types';
import { type Access, accessRules } from '../auth/access-rules.js';

/** How a reader's token may come. */
const tokenSchemes = ['readerToken', 'readerTokenCookie', 'readerTokenQuery'] as const;

type SchemeName = 'producerKey' | (typeof tokenSchemes)[number];

/** What a request may bring so as to be let in. */
export function securitySchemes(
  tokenCookie: string,
): Record<SchemeName, OpenAPIV3_1.SecuritySchemeObject> {
  return {
    producerKey: {
      type: 'http',
      scheme: 'bearer',
      description:
        'A key with the scope that the route needs: `<key id>.<secret>`. A service without keys asks for none.',
    },
    readerToken: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description:
        'A token for one stream, or one session, that an application signs; where the service takes them.',
    },
    readerTokenCookie: {
      type: 'apiKey',
      in: 'cookie',
      name: tokenCookie,
      description:
        'The same token. With it, a stream is stopped from pages of the service, or of a listed origin, only.',
    },
    readerTokenQuery: {
      type: 'apiKey',
      in: 'query',
      name: 'token',
      description: 'The same token, for an EventSource, which can set no header.',
    },
  };
}

/** Which of them let a request in, any one of them; none where nobody is asked. */
export function securityFor(access: Access | undefined): Record<string, string[]>[] {
  if (access === 'public') return [];
  const isForReaders = access !== undefined && accessRules[access].right !== null;
  const names = ['producerKey', ...(isForReaders ? tokenSchemes : [])];
  return names.map((name) => ({ [name]: [] }));
}

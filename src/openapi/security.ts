import type { OpenAPIV3_1 } from 'openapi-types';
import type { Access } from '../access/access-rules.js';

/** What a request may bring so as to be let in. */
export const securitySchemes: Record<string, OpenAPIV3_1.SecuritySchemeObject> = {
  producerKey: {
    type: 'http',
    scheme: 'bearer',
    description:
      'A key with the scope that the route needs: `<key id>.<secret>`. A service without keys asks for none.',
  },
};

/** Which of them let a request in, any one of them; none where nobody is asked. */
export function securityFor(access: Access | undefined): Record<string, string[]>[] {
  return access === 'public' ? [] : [{ producerKey: [] }];
}

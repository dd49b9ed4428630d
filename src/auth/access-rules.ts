import type { Scope } from './api-keys.js';
import type { Reader, ReaderRight } from './reader-tokens.js';

/** Who may use a route: keys with one of these scopes, and tokens with this right, null for none. */
export interface AccessRule {
  readonly scopes: readonly Scope[];
  readonly right: ReaderRight | null;
}

/** What routes are for, and who may use them. A token allows its own stream or session only. */
export const accessRules = {
  append: { scopes: ['append'], right: null },
  read: { scopes: ['read'], right: 'read' },
  list: { scopes: ['admin'], right: 'read' },
  stop: { scopes: ['admin'], right: 'stop' },
  input: { scopes: ['input'], right: 'input' },
  readInputs: { scopes: ['append', 'read'], right: 'read' },
  metrics: { scopes: ['read'], right: null },
  admin: { scopes: ['admin'], right: null },
} as const satisfies Record<string, AccessRule>;

/** The rule of a route without `config.access`. */
export const closed: AccessRule = { scopes: [], right: null };

/** The access of a route; without credentials, only `public` ones can be used. */
export type Access = keyof typeof accessRules | 'public';

/** The session and message in the path of a request, unchecked. */
export interface Place {
  readonly sid?: string;
  readonly mid?: string;
}

/** Whether the reader has the right at this place. Without a session in the path, no reader has any. */
export function mayDo(reader: Reader, right: ReaderRight, { sid, mid }: Place): boolean {
  const isInScope =
    sid === reader.sessionId && (reader.messageId === null || mid === reader.messageId);
  return isInScope && reader.rights.has(right);
}

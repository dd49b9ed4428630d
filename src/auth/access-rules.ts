import type { Scope } from './api-key.js';
import type { ReaderRight } from './reader-token.js';

/** Who may do a thing: a key with this scope, or none; and a token with this right, or none. */
export interface AccessRule {
  readonly scope: Scope | null;
  readonly right: ReaderRight | null;
}

/** What routes are for, and who may use them. A token is good for its own stream or session only. */
export const accessRules = {
  append: { scope: 'append', right: null },
  read: { scope: 'read', right: 'read' },
  list: { scope: 'admin', right: 'read' },
  stop: { scope: 'admin', right: 'stop' },
  metrics: { scope: 'read', right: null },
  admin: { scope: 'admin', right: null },
} as const satisfies Record<string, AccessRule>;

/** For a route that does not say what it is for. */
export const closed: AccessRule = { scope: null, right: null };

/** Anybody may use what is `public`. */
export type Access = keyof typeof accessRules | 'public';

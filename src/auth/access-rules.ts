import type { Scope } from './api-keys.js';
import type { Reader, ReaderRight } from './reader-tokens.js';

/** Who may do a thing: a key with this scope, or none; and a token with this right, or none. */
export interface AccessRule {
  readonly scope: Scope | null;
  readonly right: ReaderRight | null;
}

/** What routes are for, and who may use them. A token allows its own stream or session only. */
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

/** Anyone may use what is `public`. */
export type Access = keyof typeof accessRules | 'public';

/** Which stream a request is about, as its path says, unchecked. */
export interface Place {
  readonly sid?: string;
  readonly mid?: string;
}

/** Whether this reader may do that there. No reader may do anything where no session is named. */
export function mayDo(reader: Reader, right: ReaderRight, { sid, mid }: Place): boolean {
  const isInScope =
    sid === reader.sessionId && (reader.messageId === null || mid === reader.messageId);
  return isInScope && reader.rights.has(right);
}

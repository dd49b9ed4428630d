import { ReplyError } from 'ioredis';
import { ServiceError } from '../../../errors.js';

/** The error without a connection: nothing was sent. */
export function notConnected(): ServiceError {
  return new ServiceError('backend_unavailable', 'Redis is not connected', {
    stored: 0,
  });
}

/** The codes of replies that reject a command before anything is executed. */
const rejections = new Set([
  'ASK',
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'MOVED',
  'NOAUTH',
  'NOPERM',
  'NOREPLICAS',
  'READONLY',
  'TRYAGAIN',
]);

/** Those of them that say that a node of Redis cannot serve any command. */
const absences = new Set(['CLUSTERDOWN', 'LOADING', 'MASTERDOWN', 'MOVED', 'READONLY', 'TRYAGAIN']);

/** Whether nothing was executed, since this node of Redis is unavailable; others may be up. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof ServiceError)) return absences.has(replyCode(error) ?? '');
  if (error.cause !== undefined) return isAway(error.cause);
  return error.code === 'backend_unavailable' && error.details.stored === 0;
}

/** The `ServiceError` for a failed command. */
export function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const cause = { cause: error };
  const code = replyCode(error);
  if (code === 'OOM') {
    return new ServiceError('store_full', 'Redis is out of memory', {}, cause);
  }
  if (code === 'WRONGTYPE' || code === 'WRONGSTATE') {
    const message = 'another program uses a key of this stream for something else';
    return new ServiceError('internal', message, { stored: 0 }, cause);
  }
  if (code === 'OTHERVERSION') {
    const message = 'another version of the service has written to this stream';
    return new ServiceError('backend_unavailable', message, { stored: 0 }, cause);
  }
  if (code !== null && rejections.has(code)) {
    const message = `Redis rejects the command (${code})`;
    return new ServiceError('backend_unavailable', message, { stored: 0 }, cause);
  }
  return new ServiceError(
    'backend_unavailable',
    'Redis did not respond',
    { stored: null, storedAtLeast: 0 },
    cause,
  );
}

/** The codes of replies of a primary that rejects a write and still serves reads. */
const writeRejections = new Set(['MISCONF', 'NOREPLICAS', 'OOM', 'WRONGTYPE']);

/** Whether a primary rejected only this write. */
export function isRejectedByPrimary(error: unknown): boolean {
  return writeRejections.has(replyCode(error) ?? '');
}

/** Whether the key is not a list: it belongs to another program, and is no stream. */
export function isWrongType(error: unknown): boolean {
  return replyCode(error) === 'WRONGTYPE';
}

/** For a `catch`: null for a key that is not a list, so no stream. */
export function nullIfWrongType(error: unknown): null {
  if (isWrongType(error)) return null;
  throw error;
}

export function isOutOfMemory(error: unknown): boolean {
  return replyCode(error) === 'OOM';
}

/** The code of an error reply of Redis; null for any other error. */
export function replyCode(error: unknown): string | null {
  return error instanceof ReplyError ? codeIn((error as Error).message) : null;
}

/**
 * The code in the text of an error, usually its first word. In scripts, Redis 6.2 prefixes it with the
 * line and, unless the script caught the error, also with the name of the script:
 * "ERR Error running script (call to f_…): @user_script:12: @user_script: 12: -OOM command not …".
 */
export function codeIn(text: string): string | null {
  const [, wrapped] =
    /^(?:ERR Error running script.*)?@user_script: ?\d+: -?([A-Z]+) /.exec(text) ?? [];
  return wrapped ?? text.split(' ', 1)[0] ?? null;
}

import { ReplyError } from 'ioredis';
import { ServiceError } from '../../../errors.js';

/** Nothing was sent: there is no connection. */
export function notConnected(): ServiceError {
  return new ServiceError('backend_unavailable', 'Redis is not connected', {
    stored: 0,
  });
}

/** Replies with which Redis rejects a command before it does anything. */
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

/** Of these, the ones with which a part of Redis says that it cannot serve, whatever is asked. */
const absences = new Set(['CLUSTERDOWN', 'LOADING', 'MASTERDOWN', 'MOVED', 'READONLY', 'TRYAGAIN']);

/** Whether nothing was done, as the part of Redis that was asked is not there; others may be. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof ServiceError)) return absences.has(replyCode(error) ?? '');
  if (error.cause !== undefined) return isAway(error.cause);
  return error.code === 'backend_unavailable' && error.details.stored === 0;
}

/** What a failed command means for the append, or the read, that sent it. */
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
  if (code === 'NEWERSTATE') {
    const message = 'a newer version of the service has written to this stream';
    return new ServiceError('backend_unavailable', message, { stored: 0 }, cause);
  }
  if (code !== null && rejections.has(code)) {
    const message = `Redis refuses (${code})`;
    return new ServiceError('backend_unavailable', message, { stored: 0 }, cause);
  }
  return new ServiceError(
    'backend_unavailable',
    'Redis did not answer',
    { stored: null, storedAtLeast: 0 },
    cause,
  );
}

/** Replies with which a primary rejects one write and goes on to serve reads. */
const writeRejections = new Set(['MISCONF', 'NOREPLICAS', 'OOM', 'WRONGTYPE']);

/** Whether only this write was rejected, by a primary. */
export function isRejectedByPrimary(error: unknown): boolean {
  return writeRejections.has(replyCode(error) ?? '');
}

/** Whether Redis says that the key is not a list: somebody else's, so no stream. */
export function isWrongType(error: unknown): boolean {
  return replyCode(error) === 'WRONGTYPE';
}

/** For a `catch`: what is no list is no stream. */
export function nullIfWrongType(error: unknown): null {
  if (isWrongType(error)) return null;
  throw error;
}

export function isOutOfMemory(error: unknown): boolean {
  return replyCode(error) === 'OOM';
}

/** The code of an error reply of Redis; null when it is none. */
export function replyCode(error: unknown): string | null {
  return error instanceof ReplyError ? codeIn((error as Error).message) : null;
}

/**
 * The code in the text of an error: mostly its first word. Redis 6.2 puts in front of it where a
 * script ran into it, and in front of that, unless the script caught it, that a script failed:
 * "ERR Error running script (call to f_…): @user_script:12: @user_script: 12: -OOM command not …".
 */
export function codeIn(text: string): string | null {
  const [, wrapped] =
    /^(?:ERR Error running script.*)?@user_script: ?\d+: -?([A-Z]+) /.exec(text) ?? [];
  return wrapped ?? text.split(' ', 1)[0] ?? null;
}

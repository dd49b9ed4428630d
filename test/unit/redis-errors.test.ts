import { ReplyError } from 'ioredis';
import { describe, expect, it } from 'vitest';
import {
  isAway,
  isWrongType,
  toServiceError,
} from '../../src/store/redis/connection/redis-errors.js';
import { connectionOptions } from '../../src/store/redis/connection/redis-options.js';
import { toAppended } from '../../src/store/redis/script-client.js';
import { inputLimits } from '../support/backends.js';

const limits = {
  ...inputLimits,
  maxStreamEvents: 10,
  maxStreamBytes: 1000,
  maxSessionStreams: 10,
};

/** The forms in which the same rejection comes, by who ran into it. */
const forms: readonly [where: string, form: (text: string) => string][] = [
  ['to a command', (text) => text],
  ['to a script of Redis 7', (text) => `${text} script: 5fcee9, on @user_script:4.`],
  [
    'to a script of Redis 6.2',
    (text) => `ERR Error running script (call to f_5fcee9): @user_script:4: ${text} `,
  ],
  [
    'to a script of Redis 6.2, by Redis itself',
    (text) =>
      `ERR Error running script (call to f_5fcee9): @user_script:4: @user_script: 4: -${text} `,
  ],
  ['to a script of Redis 6.2 that caught it', (text) => `@user_script: 4: -${text} `],
];

describe.each(forms)('A Redis error reply %s', (_where, form) => {
  const reply = (text: string) => new ReplyError(form(text));

  it.each([
    ['OOM command not allowed', 'store_full'],
    ['WRONGTYPE Operation against a key', 'internal'],
    ["READONLY You can't write against a read only replica.", 'backend_unavailable'],
    ['MISCONF Redis is configured to save', 'backend_unavailable'],
    ['NOREPLICAS Not enough good replicas', 'backend_unavailable'],
    ['NOPERM this user has no permissions', 'backend_unavailable'],
    ['LOADING Redis is loading the dataset', 'backend_unavailable'],
    ['MASTERDOWN Link with MASTER is down', 'backend_unavailable'],
    ['CLUSTERDOWN The cluster is down', 'backend_unavailable'],
    ['TRYAGAIN Multiple keys request', 'backend_unavailable'],
  ])('%s is %s with nothing stored', (text, code) => {
    const { details, ...error } = toServiceError(reply(text));
    expect(error.code).toBe(code);
    expect(details.stored ?? 0).toBe(0);
    expect(isWrongType(reply(text))).toBe(text.startsWith('WRONGTYPE'));
    expect(isAway(reply(text))).toBe(/^(READONLY|LOADING|MASTERD|CLUSTERD|TRYAGAIN)/.test(text));
  });

  it('makes the client reconnect when it is READONLY, and only then', () => {
    const { reconnectOnError } = connectionOptions({
      mode: 'standalone',
      addresses: [],
      sentinelName: undefined,
      tls: null,
      username: undefined,
      password: undefined,
      db: 0,
      prefix: 'p',
    });
    expect(reconnectOnError?.(reply("READONLY You can't write"))).toBe(true);
    expect(reconnectOnError?.(reply('OOM command not allowed'))).toBe(false);
    expect(reconnectOnError?.(reply('ERR no READONLY here'))).toBe(false);
  });

  it.each([
    ['OOM command not allowed', 'store_full'],
    ["READONLY You can't write", 'backend_unavailable'],
  ])('%s to a lease renewal is %s', (text, code) => {
    const duplicate = () =>
      toAppended([Buffer.from('duplicate'), 3, 0, Buffer.from(form(text))], [], limits);
    expect(duplicate).toThrow(expect.objectContaining({ code, details: { stored: 0 } }));
  });
});

describe('An error that is not a Redis reply', () => {
  it('leaves unknown what is stored, whatever its text is', () => {
    const error = toServiceError(new Error('OOM command not allowed'));
    expect(error).toMatchObject({ code: 'backend_unavailable', details: { stored: null } });
  });
});

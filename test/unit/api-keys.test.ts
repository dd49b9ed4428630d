import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeyRing } from '../../src/auth/api-keys.js';
import { makeKey } from '../support/keys.js';

const [one, two] = [makeKey('append'), makeKey('read')];
const ring = new KeyRing([one.key, two.key]);
const [id, secret] = one.token.split('.') as [string, string];

describe('KeyRing.find', () => {
  it('returns each key by its token, with the scheme in any case', () => {
    expect(ring.find(one.headers.authorization)).toBe(one.key);
    expect(ring.find(two.headers.authorization)).toBe(two.key);
    expect(ring.find(`bearer  ${one.token}`)).toBe(one.key);
  });

  it('accepts digests in upper case', () => {
    const key = { ...one.key, sha256: one.key.sha256.toUpperCase() };
    expect(new KeyRing([key]).find(one.headers.authorization)).toBe(key);
  });

  it.each([
    ['nothing', ''],
    ['another scheme', `Basic ${one.token}`],
    ['no scheme', one.token],
    ['a token without an id', `Bearer ${secret}`],
    ['an empty id', `Bearer .${secret}`],
    ['an empty secret', `Bearer ${id}.`],
    ['an unknown id', `Bearer other.${secret}`],
    ['the secret of another key', `Bearer ${id}.${two.token.split('.')[1]}`],
    ['a part of the secret', `Bearer ${id}.${secret.slice(1)}`],
    ['more than the secret', `Bearer ${id}.${secret}x`],
    ['more than the token', `Bearer ${one.token}.x`],
    ['two tokens', `Bearer ${one.token}, Bearer ${one.token}`],
    ['another case', `Bearer ${id.toUpperCase()}.${secret}`],
    ['the digest instead of the secret', `Bearer ${id}.${one.key.sha256}`],
    ['a key of Object', `Bearer __proto__.${secret}`],
    ['a very long one', `Bearer ${id}.${secret.repeat(1000)}`],
  ])('returns null for %s', (_, authorization) => {
    expect(ring.find(authorization)).toBeNull();
  });

  it('returns null for an unknown id, whatever its secret', () => {
    expect(new KeyRing([]).find(one.headers.authorization)).toBeNull();
  });

  it('returns null for a secret that could be guessed, even if its digest is configured', () => {
    const sha256 = createHash('sha256').update('hunter2').digest('hex');
    expect(new KeyRing([{ ...one.key, sha256 }]).find(`Bearer ${id}.hunter2`)).toBeNull();
  });
});

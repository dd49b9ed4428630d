import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultClaimNames } from '../../src/auth/reader-tokens.js';
import { loadConfig } from '../../src/config/config.js';
import type { ConfigError } from '../../src/config/sources.js';
import { directoryWith } from '../support/test-processes.js';

const load = (environment: Record<string, string>, yaml = '') =>
  loadConfig(environment, directoryWith({ 'config.yaml': yaml })).auth.reader;

function errorsOf(environment: Record<string, string>, yaml = ''): readonly string[] {
  try {
    load(environment, yaml);
  } catch (error) {
    return (error as ConfigError).errors;
  }
  throw new Error('the settings are valid');
}

const secret = 's'.repeat(32);
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
const jwksUrl = 'https://id.example.com/jwks.json';

describe('The settings of reader tokens', () => {
  it('are off by default', () => {
    expect(load({})).toBeNull();
    expect(load({}, 'auth:\n  reader_secret:\n  reader_jwks_url:\n')).toBeNull();
    expect(load({ AUTH_READER_COOKIE: 'reader' })).toBeNull();
  });

  it('accept one secret, or several, comma-separated or as a YAML list', () => {
    expect(load({ AUTH_READER_SECRET: secret })).toEqual({
      secrets: [secret],
      publicKey: null,
      jwksUrl: null,
      issuer: null,
      audience: null,
      cookie: 'rejoin_token',
      claims: defaultClaimNames,
    });
    const both = { secrets: [secret, `${secret}2`] };
    expect(load({ AUTH_READER_SECRET: `${secret}, ${secret}2` })).toMatchObject(both);
    const yaml = `auth: { reader_secret: [${secret}, ${secret}2] }\n`;
    expect(load({}, yaml)).toMatchObject(both);
  });

  it('accept a public key, its line breaks also written as \\n, beside a secret', () => {
    expect(load({ AUTH_READER_PUBLIC_KEY: pem })).toMatchObject({ publicKey: pem, secrets: [] });
    const line = pem.replaceAll('\n', '\\n');
    const both = load({ AUTH_READER_PUBLIC_KEY: line, AUTH_READER_SECRET: secret });
    expect(both).toMatchObject({ publicKey: pem, secrets: [secret] });
  });

  it('are also read from files', () => {
    const directory = directoryWith({ secret: `${secret}\n`, 'key.pem': pem });
    const read = load({
      AUTH_READER_SECRET_FILE: join(directory, 'secret'),
      AUTH_READER_PUBLIC_KEY_FILE: join(directory, 'key.pem'),
    });
    expect(read).toMatchObject({ secrets: [secret], publicKey: pem.trim() });
    for (const name of ['AUTH_READER_SECRET', 'AUTH_READER_PUBLIC_KEY']) {
      expect(errorsOf({ [`${name}_FILE`]: 'none' })[0]).toMatch(/_FILE: there is no file/);
      const file = { [`${name}_FILE`]: join(directory, 'secret'), [name]: secret };
      expect(errorsOf(file)[0]).toBe(`${name}_FILE: is set together with ${name}`);
    }
  });

  it.each([
    'https://id.example.com/jwks.json',
    'http://127.0.0.1:9000/jwks',
    'http://localhost/jwks',
    'http://[::1]:9000/jwks',
  ])('accept the URL %s', (url) => {
    expect(load({ AUTH_READER_JWKS_URL: url })).toMatchObject({ jwksUrl: url });
  });

  it('accept the names of claims, except the registered ones', () => {
    expect(load({ AUTH_READER_SECRET: secret })?.claims).toEqual(defaultClaimNames);
    const named = { AUTH_READER_SECRET: secret, AUTH_READER_CLAIM_SID: 'https://app.example/sid' };
    expect(load(named)?.claims).toEqual({ ...defaultClaimNames, sid: 'https://app.example/sid' });
    for (const bad of ['exp', 'a b', 'é']) {
      const [error] = errorsOf({ AUTH_READER_SECRET: secret, AUTH_READER_CLAIM_MID: bad });
      expect(error).toMatch(/^auth\.reader_claims\.mid .*: must be the name of a claim/);
    }
  });

  it('reject one claim for two purposes', () => {
    const named = { AUTH_READER_SECRET: secret, AUTH_READER_CLAIM_SCOPE: 'sid' };
    expect(errorsOf(named)).toEqual([
      expect.stringMatching(
        /^auth\.reader_claims\.scope \(AUTH_READER_CLAIM_SCOPE\): is the same claim as/,
      ),
    ]);
    const swapped = { AUTH_READER_CLAIM_SID: 'mid', AUTH_READER_CLAIM_MID: 'sid' };
    expect(load({ AUTH_READER_SECRET: secret, ...swapped })?.claims).toMatchObject({
      sid: 'mid',
      mid: 'sid',
    });
  });

  it('accept an issuer, an audience and the name of the cookie', () => {
    const named = load({
      AUTH_READER_SECRET: secret,
      AUTH_READER_ISSUER: 'https://app.example',
      AUTH_READER_AUDIENCE: 'rejoin',
      AUTH_READER_COOKIE: '__Host-rejoin',
    });
    expect(named).toMatchObject({
      issuer: 'https://app.example',
      audience: 'rejoin',
      cookie: '__Host-rejoin',
    });
  });

  it.each([
    ['AUTH_READER_SECRET', 's'.repeat(31)],
    ['AUTH_READER_SECRET', `${secret} ${secret}`],
    ['AUTH_READER_SECRET', `${secret},short`],
    ['AUTH_READER_SECRET', `${secret},`],
    ['AUTH_READER_SECRET', 'é'.repeat(32)],
    ['AUTH_READER_SECRET', 's'.repeat(513)],
    ['AUTH_READER_PUBLIC_KEY', 'x'],
    ['AUTH_READER_PUBLIC_KEY', secret],
    ['AUTH_READER_PUBLIC_KEY', privatePem],
    ['AUTH_READER_JWKS_URL', 'id.example.com'],
    ['AUTH_READER_JWKS_URL', 'http://id.example.com/jwks'],
    ['AUTH_READER_JWKS_URL', 'http://127.0.0.1.example.com/jwks'],
    ['AUTH_READER_JWKS_URL', 'https://user:password@id.example.com/jwks'],
    ['AUTH_READER_JWKS_URL', 'file:///etc/passwd'],
    ['AUTH_READER_COOKIE', 'a b'],
    ['AUTH_READER_COOKIE', 'a;b'],
    ['AUTH_READER_COOKIE', 'a=b'],
  ])('reject an invalid %s without quoting it', (name, value) => {
    const named = errorsOf({ [name]: value });
    expect(named).toHaveLength(1);
    expect(named[0]).toContain(`(${name})`);
    if (value.length > 10) expect(named[0]).not.toContain(value.slice(0, 20));
  });

  it('reject a weak RSA key', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
    const text = weak.export({ type: 'spki', format: 'pem' }) as string;
    expect(errorsOf({ AUTH_READER_PUBLIC_KEY: text })[0]).toContain('(AUTH_READER_PUBLIC_KEY)');
  });

  it.each([
    [
      { AUTH_READER_PUBLIC_KEY: pem, AUTH_READER_JWKS_URL: jwksUrl },
      /^auth\.reader_public_key \(AUTH_READER_PUBLIC_KEY\): is set together with/,
    ],
    [{ AUTH_READER_ISSUER: 'x' }, /^auth\.reader_issuer \(AUTH_READER_ISSUER\): has no effect/],
    [{ AUTH_READER_AUDIENCE: 'x' }, /^auth\.reader_audience .*: has no effect/],
    [
      { AUTH_READER_SECRET: secret, AUTH_DISABLED: 'true' },
      /^auth\.disabled \(AUTH_DISABLED\): is true, and there are settings of reader tokens/,
    ],
    [{ AUTH_READER_SECRET: secret, HOST: '0.0.0.0' }, /^server\.host \(HOST\): .*AUTH_API_KEYS/],
  ])('reject %o', (environment, error) => {
    expect(errorsOf(environment as Record<string, string>)).toEqual([expect.stringMatching(error)]);
  });
});

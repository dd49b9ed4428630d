import { describe, expect, it } from 'vitest';
import { formatApiKey } from '../../src/auth/api-keys.js';
import { loadConfig } from '../../src/config/config.js';
import type { ConfigError } from '../../src/config/sources.js';
import { makeKey } from '../support/keys.js';
import { directoryWith } from '../support/test-processes.js';

const load = (environment: Record<string, string>, yaml = '') =>
  loadConfig(environment, directoryWith({ 'config.yaml': yaml }));

function errorsOf(environment: Record<string, string>, yaml = ''): readonly string[] {
  try {
    load(environment, yaml);
  } catch (error) {
    return (error as ConfigError).errors;
  }
  throw new Error('the settings are valid');
}

const [first, second] = [makeKey('append', 'read'), makeKey('admin')];
const digest = 'a'.repeat(64);

describe('auth.api_keys', () => {
  it('is a list in config.yaml', () => {
    const { id, sha256 } = first.key;
    const yaml = `auth:\n  api_keys:\n    - { id: ${id}, sha256: ${sha256}, scopes: [append, read] }\n`;
    expect(load({}, yaml).auth.apiKeys).toEqual([first.key]);
  });

  it('is comma-separated in the environment, which wins', () => {
    const [one, two] = [formatApiKey(first.key), formatApiKey(second.key)];
    const yaml = `auth: { api_keys: [{ id: x, sha256: ${digest}, scopes: [read] }] }\n`;
    for (const text of [`${one},${two}`, ` ${one} ,\n ${two} `]) {
      const config = load({ AUTH_API_KEYS: text }, yaml);
      expect(config.auth.apiKeys).toEqual([first.key, second.key]);
    }
  });

  it('allows the service to listen beyond loopback', () => {
    const keys = { AUTH_API_KEYS: formatApiKey(first.key) };
    expect(load({ HOST: '0.0.0.0', ...keys }).server.host).toBe('0.0.0.0');
    expect(errorsOf({ HOST: '0.0.0.0' })[0]).toMatch(/AUTH_API_KEYS/);
  });

  it('contradicts auth.disabled', () => {
    const keys = { AUTH_API_KEYS: formatApiKey(first.key) };
    const named = errorsOf({ AUTH_DISABLED: 'true', ...keys });
    expect(named).toEqual([expect.stringMatching(/^auth\.disabled \(AUTH_DISABLED\): /)]);
    expect(load({ AUTH_DISABLED: 'false', ...keys }).auth.apiKeys).toHaveLength(1);
  });

  it.each([
    ['a', '0.sha256'],
    [`a:${digest}`, '0.scopes.0'],
    [`a:${digest}:`, '0.scopes.0'],
    [`a:${digest}:append,read`, '1.sha256'],
    [`a:${digest}:append+write`, '0.scopes.1'],
    [`a:${digest}:append:read`, '0.scopes.0'],
    [`a:${digest.slice(1)}:append`, '0.sha256'],
    [`a.b:${digest}:append`, '0.id'],
    [`:${digest}:append`, '0.id'],
    [`a:${digest}:append,`, '1.id'],
    [`a:${digest}:append,a:${digest}:read`, '1.id'],
    [first.token, '0.id'],
  ])('rejects %s, naming its place and not its value', (text, place) => {
    const named = errorsOf({ AUTH_API_KEYS: text });
    expect(named[0]).toContain(`auth.api_keys.${place} (AUTH_API_KEYS): `);
    expect(named.join()).not.toContain(digest.slice(1));
    expect(named.join()).not.toContain(first.token.split('.')[1]);
  });

  it.each([
    ['{}', 'auth.api_keys (AUTH_API_KEYS): must be a list'],
    ['7', 'auth.api_keys (AUTH_API_KEYS): must be a list'],
    ['[7]', 'auth.api_keys.0 (AUTH_API_KEYS): must have'],
    [`[{ id: a, sha256: ${digest}, scopes: [] }]`, 'auth.api_keys.0.scopes'],
    [`[{ id: a, sha256: ${digest}, scopes: [read], secret: b }]`, 'auth.api_keys.0.secret'],
  ])('rejects %s in config.yaml', (yaml, error) => {
    const named = errorsOf({}, `auth: { api_keys: ${yaml} }\n`);
    expect(named).toEqual([expect.stringContaining(error)]);
  });
});

describe('cors.origins', () => {
  const origins = [
    'https://app.example.com',
    'http://localhost:5173',
    'http://[::1]:3000',
    'https://xn--bcher-kva.example',
    'capacitor://localhost',
    'https://app.example.com.',
    'https://*.preview.example.com',
    'http://*.dev.test:8080',
    'https://*.xn--bcher-kva.example',
  ];

  it('is a list in config.yaml, and comma-separated in the environment', () => {
    const yaml = `cors: { origins: [${origins.map((origin) => `'${origin}'`).join(', ')}] }\n`;
    expect(load({}, yaml).cors.origins).toEqual(origins);
    expect(load({ CORS_ORIGINS: origins.join(', ') }).cors.origins).toEqual(origins);
  });

  it.each([
    '*',
    'null',
    'app.example.com',
    'localhost:5173',
    '//app.example.com',
    'https://',
    'https://app.example.com/',
    'https://app.example.com/page',
    'https://app.example.com?x',
    'https://app.example.com#x',
    'https://user@app.example.com',
    'https://App.example.com',
    'https://bücher.example',
    'https://app.example.com:443',
    'http://app.example.com:80',
    'https://*',
    'https://*.com',
    'https://*.com:8443',
    'https://*.com.',
    'https://*.example.com.',
    'https://*.example.com:*',
    'https://*.example.com:443',
    'https://*.example.com/',
    'https://*.Example.com',
    'https://*.bücher.example',
    'https://*..example.com',
    'https://*.127.0.0.1',
    'http://*.[::1]',
    'https://%2A.example.com',
    'https://user@*.example.com',
    'file://',
    'https://*a.example.com',
    'https://a.*.example.com',
    'https://*.*.example.com',
    'https://a.example https://b.example',
    'https://a.example,',
  ])('rejects %s, which no browser sends or which is not one origin', (text) => {
    const named = errorsOf({ CORS_ORIGINS: text });
    expect(named).toEqual([
      expect.stringMatching(/^cors\.origins\.\d \(CORS_ORIGINS\): must be an origin/),
    ]);
  });
});

describe('cors.headers', () => {
  it('is by default what frameworks and tracing send, and may be empty', () => {
    expect(load({}).cors.headers).toEqual([
      'Cache-Control',
      'X-Requested-With',
      'traceparent',
      'tracestate',
      'baggage',
      'sentry-trace',
    ]);
    expect(load({}, 'cors: { headers: [] }\n').cors.headers).toEqual([]);
    expect(load({}, 'cors: { headers: }\n').cors.headers).toEqual([]);
    expect(load({ CORS_HEADERS: "X-A, x_b!#$%&'+.^`|~" }).cors.headers).toEqual([
      'X-A',
      "x_b!#$%&'+.^`|~",
    ]);
  });

  it.each(['*', 'X-A X-B', 'X-A,', 'X-A: 1', 'X-É', 'X-A\r\nX-B', '"X-A"'])(
    'rejects %j',
    (text) => {
      expect(errorsOf({ CORS_HEADERS: text })).toEqual([
        expect.stringMatching(/^cors\.headers\.\d \(CORS_HEADERS\): must be the name of a request/),
      ]);
    },
  );
});

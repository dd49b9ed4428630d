import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadConfig } from '../../src/config/config.js';
import { environmentVariables, settings } from '../../src/config/settings.js';
import { ConfigError } from '../../src/config/sources.js';
import { fuzz } from './fuzz.js';

/** It may stand anywhere, by mistake, and is never told. */
const secret = 'a-secret-that-nobody-may-read';

const text = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1',
    '65536',
    '1e9',
    '1s',
    '15ms',
    '1h',
    '99999999h',
    '1MiB',
    '1B',
  ),
  fc.constantFrom(
    'true',
    'no',
    'redis',
    'cluster',
    'info',
    '::1',
    '0.0.0.0',
    '127.0.0.1:6379',
    ',',
  ),
  fc.constantFrom(
    '{}',
    'a{b',
    '__proto__',
    '*',
    'https://x',
    'a:b:c',
    '../..',
    '/dev/null',
    '\u0000',
  ),
  fc.constantFrom(
    secret,
    `${secret}:${'a'.repeat(64)}:read`,
    `x:${secret}:read`,
    `https://${secret}/x`,
  ),
  fc.string(),
);
const environment = fc.dictionary(fc.constantFrom(...environmentVariables), text, { maxKeys: 6 });

const value = fc.oneof(text, fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
const entry = fc.tuple(
  fc.oneof(fc.constantFrom(...settings.map(({ path }) => path)), fc.string()),
  fc.oneof(value, fc.array(value, { maxLength: 3 }), fc.dictionary(fc.string(), value)),
);
const yaml = fc.oneof(
  fc.array(entry, { maxLength: 5 }).map((entries) => stringify(toDocument(entries))),
  fc.string({ unit: 'binary' }),
);

function toDocument(entries: readonly (readonly [string, unknown])[]): object {
  const document = Object.create(null);
  for (const [path, leaf] of entries) {
    const [section = '', ...rest] = path.split('.');
    document[section] = rest.length === 0 ? leaf : { ...document[section], [rest.join('.')]: leaf };
  }
  return { ...document };
}

describe('loadConfig with any settings', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'rejoin-fuzz-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('returns valid numbers, or errors', async () => {
    const property = fc.asyncProperty(environment, yaml, async (variables, content) => {
      writeFileSync(join(directory, 'config.yaml'), content);
      try {
        expect(numbersIn(loadConfig(variables, directory)).every(isSound)).toBe(true);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        expect(error.errors.length).toBeGreaterThan(0);
        // Messages are our own words, never those of zod.
        expect(error.message).not.toMatch(/Invalid (input|option|string|key)|expected|received/i);
      }
    });
    await fuzz(property, 1000);
  });

  it('quotes in no error a secret that was put in place of a key or a password', async () => {
    const places = fc.constantFrom('AUTH_API_KEYS', 'REDIS_PASSWORD', 'REDIS_URL');
    const property = fc.asyncProperty(places, text, environment, async (name, extra, rest) => {
      writeFileSync(join(directory, 'config.yaml'), '');
      const others = Object.entries(rest).filter(([, found]) => !found.includes(secret));
      const variables = { ...Object.fromEntries(others), [name]: `${extra}${secret}`, PORT: 'x' };
      const errors = errorsOf(variables);
      expect(errors.join('\n')).not.toContain(secret);
    });
    await fuzz(property, 500);
  });

  function errorsOf(variables: Record<string, string>): readonly string[] {
    try {
      loadConfig(variables, directory);
    } catch (error) {
      if (error instanceof ConfigError) return error.errors;
      throw error;
    }
    throw new Error('a port that is no number is valid');
  }
});

function isSound(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0;
}

function numbersIn(found: unknown): number[] {
  if (typeof found === 'number') return [found];
  return typeof found === 'object' && found !== null ? Object.values(found).flatMap(numbersIn) : [];
}

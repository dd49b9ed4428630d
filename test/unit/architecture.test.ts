import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../src');

interface Import {
  readonly file: string;
  /** A path below `src`, or the name of a package. */
  readonly target: string;
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
);

const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/from '([^']+)'|import '([^']+)'/g)].map((match) => {
    const name = (match[1] ?? match[2]) as string;
    const isOwn = name.startsWith('.');
    const target = isOwn ? relative(root, resolve(root, dirname(file), name)) : name;
    return { file, target };
  });
});

/** The rooms that each room may know, beside itself and packages. */
const allowed: Record<string, readonly string[]> = {
  'check-health.ts': ['config.js'],
  'make-key.ts': ['access'],
  'make-token.ts': ['access', 'config.js'],
  'main.ts': ['app.js', 'config.js', 'config-checks.js', 'errors.js', 'streams'],
  'app.ts': ['access', 'config.js', 'feed', 'http', 'inspector', 'metrics', 'openapi', 'streams'],
  'config.ts': [
    'config-checks.js',
    'config-dotenv.js',
    'config-reader.js',
    'config-redis.js',
    'config-redis-url.js',
    'config-settings.js',
    'config-unknown.js',
    'config-values.js',
    'config-weknora.js',
  ],
  'config-weknora.ts': ['config-unknown.js', 'config-values.js'],
  'config-checks.ts': ['config-settings.js', 'config-unknown.js', 'streams'],
  'config-dotenv.ts': [],
  'config-redis-url.ts': [],
  'config-unknown.ts': ['config-settings.js'],
  'config-settings.ts': ['config-reader.js', 'config-redis.js', 'config-values.js', 'streams'],
  'config-reader.ts': ['access', 'config-values.js'],
  'config-redis.ts': ['config-values.js', 'streams'],
  'config-values.ts': ['access', 'streams'],
  'bounded-cache.ts': [],
  'errors.ts': [],
  'linked-list.ts': [],
  access: ['errors.js', 'streams'],
  http: ['access', 'errors.js', 'feed', 'sse', 'streams'],
  inspector: ['http'],
  metrics: ['bounded-cache.js', 'errors.js', 'feed', 'streams'],
  openapi: ['access', 'errors.js', 'http', 'streams'],
  feed: ['errors.js', 'linked-list.js', 'sse', 'streams'],
  streams: ['bounded-cache.js', 'errors.js', 'linked-list.js'],
  sse: [],
};

function roomOf(path: string): string {
  return path.split('/')[0] as string;
}

describe('the arrows between the rooms', () => {
  it('go one way', () => {
    const own = imports.filter(({ target }) => existsBelowSource(target));
    expect(own.length).toBeGreaterThan(50);
    const wrong = own.filter(({ file, target }) => {
      const [from, to] = [roomOf(file), roomOf(target)];
      return from !== to && allowed[from]?.includes(to) !== true;
    });
    expect(wrong).toEqual([]);
  });

  it.each([
    ['ioredis', /^streams\/redis\//],
    ['fastify', /^(app\.ts|http\/|inspector\/|openapi\/)/],
    ['@fastify/sse', /^app\.ts/],
    ['@fastify/cors', /^http\/cors\.ts/],
    ['@fastify/rate-limit', /^http\/rate-limits\.ts/],
    ['@fastify/swagger', /^openapi\//],
    ['prom-client', /^metrics\//],
    ['fastest-levenshtein', /^config-unknown\.ts/],
    ['jose', /^access\//],
    ['yaml', /^config\.ts/],
    ['toad-cache', /^bounded-cache\.ts/],
  ])('let only some know %s', (name, places) => {
    const users = imports.filter(({ target }) => target === name);
    expect(users.length).toBeGreaterThan(0);
    expect(users.filter(({ file }) => !places.test(file))).toEqual([]);
  });

  it('leave the process to the programs', () => {
    const users = files.filter((file) =>
      /\bprocess\.\w/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(users.sort()).toEqual(['check-health.ts', 'main.ts', 'make-key.ts', 'make-token.ts']);
  });

  it('have no room or file without a job of its own', () => {
    const vague = files.filter((file) =>
      /(^|\/)(utils?|common|types|helpers|index)(\.ts|\/)/.test(file),
    );
    expect(vague).toEqual([]);
  });
});

function existsBelowSource(target: string): boolean {
  return files.includes(target.replace(/\.js$/, '.ts'));
}

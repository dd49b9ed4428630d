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
  'main.ts': ['app.js', 'config', 'errors.js', 'store'],
  'app.ts': ['auth', 'config', 'feed', 'http', 'inspector', 'metrics', 'openapi', 'store'],
  'bounded-cache.ts': [],
  'errors.ts': [],
  'validation-message.ts': ['errors.js'],
  'time-slices.ts': [],
  auth: ['errors.js', 'store'],
  bin: ['auth', 'config', 'store'],
  config: ['auth', 'store', 'validation-message.js'],
  events: ['errors.js', 'time-slices.js', 'validation-message.js'],
  feed: ['errors.js', 'events', 'sse', 'store'],
  http: [
    'auth',
    'errors.js',
    'events',
    'feed',
    'sse',
    'store',
    'time-slices.js',
    'validation-message.js',
  ],
  inspector: ['http'],
  metrics: ['bounded-cache.js', 'errors.js', 'events', 'feed', 'store'],
  openapi: ['auth', 'errors.js', 'http'],
  sse: [],
  store: ['bounded-cache.js', 'errors.js', 'events', 'time-slices.js'],
};

function roomOf(path: string): string {
  return path.split('/')[0] as string;
}

describe('The folders below src', () => {
  it('import each other one way only', () => {
    const own = imports.filter(({ target }) => existsBelowSource(target));
    expect(own.length).toBeGreaterThan(50);
    const wrong = own.filter(({ file, target }) => {
      const [from, to] = [roomOf(file), roomOf(target)];
      return from !== to && allowed[from]?.includes(to) !== true;
    });
    expect(wrong).toEqual([]);
  });

  it('are the ones that docs/architecture.md shows', () => {
    const text = readFileSync(resolve(root, '../docs/architecture.md'), 'utf8');
    const rows = [...text.matchAll(/^\| `([\w.-]+)` +\|[^|]+\|([^|]*)\|$/gm)];
    const shown = rows.map(([, room, rooms = '']) => [room, namesIn(rooms)]);
    const names = Object.entries(allowed).map(([room, rooms]) => [room, rooms.map(withoutSuffix)]);
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(names));
  });

  it.each([
    ['ioredis', /^store\/redis\//],
    ['fastify', /^(app\.ts|http\/|inspector\/|openapi\/)/],
    ['@fastify/sse', /^app\.ts/],
    ['@fastify/rate-limit', /^http\/hooks\/rate-limits\.ts/],
    ['@fastify/swagger', /^openapi\//],
    ['prom-client', /^metrics\//],
    ['fastest-levenshtein', /^config\/unknown-settings\.ts/],
    ['jose', /^auth\//],
    ['yaml', /^config\/sources\.ts/],
    ['toad-cache', /^bounded-cache\.ts/],
  ])('import %s in its own places only', (name, places) => {
    const users = imports.filter(({ target }) => target === name);
    expect(users.length).toBeGreaterThan(0);
    expect(users.filter(({ file }) => !places.test(file))).toEqual([]);
  });

  it('leave the process to the programs', () => {
    const users = files.filter((file) =>
      /\bprocess\.\w/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(users.sort()).toEqual([
      'bin/check-health.ts',
      'bin/create-key.ts',
      'bin/create-token.ts',
      'main.ts',
    ]);
  });

  it('have no folder or file with a vague name', () => {
    const vague = files.filter((file) =>
      /(^|\/)(utils?|common|types|helpers|index)(\.ts|\/)/.test(file),
    );
    expect(vague).toEqual([]);
  });
});

function existsBelowSource(target: string): boolean {
  return files.includes(target.replace(/\.js$/, '.ts'));
}

function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string);
}

function withoutSuffix(name: string): string {
  return name.replace(/\.js$/, '');
}

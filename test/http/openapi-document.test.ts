import { beforeAll, expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { memoryBackend } from '../support/backends.js';
import { ApiDocument } from '../support/openapi-document.js';
import { documentShape } from '../support/openapi-shape.js';
import { routePaths } from '../support/route-paths.js';

describeApp('The OpenAPI document', { on: [memoryBackend] }, (source) => {
  let document: ApiDocument;

  beforeAll(async () => {
    const response = await fetch(`${source.app.url}/openapi.json`);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    document = new ApiDocument((await response.json()) as ApiDocument['json']);
  });

  it('has version 3.1', () => {
    expect(document.faultOf(documentShape, document.json)).toBeNull();
  });

  it('has valid schemas, and every reference resolves', () => {
    const schemas = findAll(document.json.paths, 'schema');
    expect(schemas.length).toBeGreaterThan(100);
    const named = Object.values(document.json.components?.schemas ?? {});
    for (const schema of [...schemas, ...named]) {
      expect(() => document.compile(schema as object)).not.toThrow();
    }
  });

  it('has examples that match its schemas', () => {
    const media = findAll(document.json.paths, 'content').flatMap((content) =>
      Object.values(content as Record<string, { schema: object; examples?: object }>),
    );
    const faults = media.flatMap(({ schema, examples = {} }) =>
      Object.values(examples).map(({ value }) => document.faultOf(schema, value)),
    );
    expect(faults.length).toBeGreaterThan(50);
    expect(faults.filter((fault) => fault !== null)).toEqual([]);
  });

  it('names each operation once, and only existing tags and security schemes', () => {
    const { operations, json } = document;
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    const tags = json.tags?.map(({ name }) => name) ?? [];
    expect(new Set(operations.flatMap((one) => one.tags))).toEqual(new Set(tags));
    const used = operations.flatMap(({ security }) => security.flatMap(Object.keys));
    expect([...new Set(used)]).toEqual(Object.keys(json.components?.securitySchemes ?? {}));
  });

  it('has the parameters of each path, without duplicates', () => {
    for (const { path, parameters = [] } of document.operations) {
      const places = parameters.map((one) => `${one.in} ${one.name}`);
      expect(new Set(places).size).toBe(places.length);
      const inPath = parameters.filter((one) => one.in === 'path').map(({ name }) => `{${name}}`);
      expect(inPath).toEqual(path.match(/\{\w+\}/g) ?? []);
    }
  });

  it('has every route, except the pages, the document itself and HEAD', async () => {
    const pages = ['/docs', '/docs/{file}', '/inspector', '/inspector/{file}', '/openapi.json'];
    const paths = routePaths(source.app.app).map((path) => path.replaceAll(/:(\w+)/g, '{$1}'));
    const others = paths.filter((path) => !pages.includes(path));
    expect(others.sort()).toEqual(Object.keys(document.json.paths ?? {}).sort());
    for (const path of others) {
      const rejected = await fetch(source.app.url + path, { method: 'PATCH' });
      const taken = rejected.headers.get('allow')?.split(', ') ?? [];
      const named = document.operations.filter((one) => one.path === path);
      expect(named.map(({ name }) => name.split(' ')[0]).sort()).toEqual(
        taken.filter((method) => method !== 'HEAD'),
      );
    }
  });
});

/** All values of this key, at any depth. */
function findAll(value: unknown, key: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === key ? [inner] : findAll(inner, key),
  );
}

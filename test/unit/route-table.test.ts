import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import { RouteTable } from '../../src/http/problems/route-table.js';

const app = fastify();
const table = new RouteTable(app);
app.get('/sessions/:sid', async () => '');
app.delete('/sessions/:sid', async () => '');
app.get('/openapi.json', async () => '');

describe('RouteTable', () => {
  it.each([
    '/sessions/a',
    '/sessions/a?token=b/c',
    '/sessions/',
    '/sessions/a%2Fb',
    '/%73essions/a',
    'http://x/sessions/a',
    'HTTPS://x:1/sessions/a#b',
  ])('finds the methods of the path of %s', (target) => {
    expect(table.find(target)).toEqual({ url: '/sessions/:sid', allow: 'DELETE, GET, HEAD' });
  });

  it.each(['/', '*', '', '/Sessions/a', '/sessions/a/', '/sessions', '/openapiXjson', '/%zz', 'x'])(
    'finds no route at %s',
    (target) => {
      expect(table.find(target)).toBeNull();
    },
  );

  it('finds a path with a dot in it', () => {
    expect(table.find('/openapi.json')).toEqual({ url: '/openapi.json', allow: 'GET, HEAD' });
  });
});

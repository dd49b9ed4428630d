import { expect, it } from 'vitest';
import { describeApp, type TestStream } from '../support/app-suite.js';
import { makeKey } from '../support/keys.js';
import { readerOptions, secondsFromNow, sign } from '../support/tokens.js';

const { key } = makeKey('append', 'read', 'admin');
const unknown = makeKey('append', 'read', 'admin');
const reader = readerOptions();

const message = '/sessions/:sid/messages/:mid';

/** All routes that need a credential, and whether a token may be one. */
const routes = [
  ['POST', `${message}/events`, false],
  ['POST', `${message}/lease`, false],
  ['DELETE', message, false],
  ['DELETE', '/sessions/:sid', false],
  ['GET', '/metrics', false],
  ['GET', `${message}/events`, true],
  ['GET', `${message}/stream`, true],
  ['GET', message, true],
  ['GET', '/sessions/:sid', true],
  ['GET', '/ai-sdk/sessions/:sid/stream', true],
  ['POST', `${message}/stop`, true],
] as const;

async function detailOf(
  one: TestStream,
  [method, path]: readonly [method: string, path: string, takesTokens: boolean],
  authorization = '',
) {
  const url = one.app.url + path.replace(':sid', one.sid).replace(':mid', one.mid);
  const response = await fetch(url, {
    method,
    headers: authorization === '' ? {} : { authorization },
  });
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  return ((await response.json()) as { detail: string }).detail;
}

const aKey = 'a key: Authorization: Bearer <key id>.<secret>';
const strange = ['Basic x', 'Bearer', 'Bearer x', unknown.headers.authorization];

const both = { auth: { apiKeys: [key], reader } };
describeApp('A 401 with API keys and reader tokens configured', both, (source) => {
  it.each(routes)('names for %s %s the credentials that the route accepts', async (...route) => {
    const one = source.stream();
    const takesTokens = route[2];
    const needed = takesTokens ? `a token, or ${aKey}` : aKey;
    expect(await detailOf(one, route)).toBe(`this route needs ${needed}`);
    const unheld = takesTokens ? 'a token, nor a key' : 'a key';
    for (const authorization of strange) {
      expect(await detailOf(one, route, authorization)).toBe(
        `Authorization does not hold ${unheld} that is known here`,
      );
    }
    const expired = await sign({ sid: one.sid, scope: 'read stop', exp: secondsFromNow(-60) });
    expect(await detailOf(one, route, `Bearer ${expired}`)).toBe(
      `the token is rejected: it has expired${takesTokens ? '' : ', and this route needs a key'}`,
    );
  });
});

describeApp('A 401 with API keys alone', { auth: { apiKeys: [key] } }, (source) => {
  it.each(routes)('names for %s %s an API key', async (...route) => {
    const one = source.stream();
    expect(await detailOf(one, route)).toBe(`this route needs ${aKey}`);
    const token = await sign({ sid: one.sid, scope: 'read stop' });
    for (const authorization of [...strange, `Bearer ${token}`]) {
      expect(await detailOf(one, route, authorization)).toBe(
        'Authorization does not hold a key that is known here',
      );
    }
  });
});

describeApp('A 401 with reader tokens alone', { auth: { reader } }, (source) => {
  it.each(routes.filter(([, , takesTokens]) => takesTokens))(
    'names for %s %s a reader token',
    async (...route) => {
      const one = source.stream();
      expect(await detailOf(one, route)).toBe('this route needs a token');
      for (const authorization of strange) {
        expect(await detailOf(one, route, authorization)).toBe(
          'Authorization does not hold a token that is known here',
        );
      }
    },
  );
});

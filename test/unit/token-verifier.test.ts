import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { mayDo } from '../../src/auth/access-rules.js';
import { clockToleranceSeconds, createReaderToken } from '../../src/auth/reader-tokens.js';
import { publicKeyAlgorithms, TokenVerifier } from '../../src/auth/token-verifier.js';
import type { ServiceError } from '../../src/errors.js';
import { silentLogger } from '../support/backends.js';
import { forge, readerOptions, secondsFromNow, secret, sign } from '../support/tokens.js';

const claims = { sid: 's1', scope: 'read' };
const verifier = new TokenVerifier(readerOptions(), silentLogger);

const makePair = {
  rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  p256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  p521: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  ed25519: () => generateKeyPairSync('ed25519'),
};

const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }) as string;

const withKey = (publicKey: KeyObject, secrets: string[] = []) =>
  new TokenVerifier(readerOptions({ secrets, publicKey: pemOf(publicKey) }), silentLogger);

/** A token with whatever header, and a signature that is right. */
function signByHand(header: object, key = secret): string {
  const text = forge(header, { ...claims, exp: secondsFromNow(60) }).slice(0, -1);
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

/** A token with claims as no library prints them. */
function signText(claimsText: string): string {
  const parts = [JSON.stringify({ alg: 'HS256' }), claimsText];
  const text = parts.map((part) => Buffer.from(part).toString('base64url')).join('.');
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** Why a token is rejected, without quoting it. */
async function rejection(token: string, by = verifier): Promise<string> {
  const error = await by.verify(token).then(
    () => null,
    (reason: ServiceError) => reason,
  );
  expect(error).toMatchObject({ code: 'unauthorized' });
  if (token !== '') expect(error?.message).not.toContain(token);
  return error?.message ?? '';
}

describe('A reader token', () => {
  it('names its session, its expiry and its rights', async () => {
    const exp = secondsFromNow(60);
    expect(await verifier.verify(await sign({ ...claims, exp }))).toEqual({
      sessionId: 's1',
      messageId: null,
      rights: new Set(['read']),
      subject: null,
      expiresAt: (exp + clockToleranceSeconds) * 1000,
    });
  });

  it('names its user by the claim sub, which may be anything', async () => {
    const subjectOf = async (sub: unknown) =>
      (await verifier.verify(await sign({ ...claims, sub }))).subject;
    expect(await subjectOf('zoe')).toBe('zoe');
    expect(await subjectOf(undefined)).toBeNull();
  });

  it.each([
    'openid stop read',
    ['openid', 'stop', 'read'],
    [1, null, ['x'], 'read', 'stop', 'read'],
  ])('may name one stream, and allow stopping it: %j', async (scope) => {
    const reader = await verifier.verify(await sign({ ...claims, mid: 'm1', scope }));
    expect(reader).toMatchObject({ messageId: 'm1', rights: new Set(['read', 'stop']) });
  });

  it.each([
    ['no JWT', 'a.b.c', /not a JWT/],
    ['nothing', '', /not a JWT/],
    ['two JWTs', 'a.b.c a.b.c', /not a JWT/],
    ['a part too few', 'a.b', /not a JWT/],
    ['a header that is a list', forge([], claims), /not a JWT|signed in a way/],
    ['no algorithm', forge({}, claims), /signed in a way/],
    ['the algorithm none', forge({ alg: 'none' }, claims), /signed in a way/],
    ['none in other letters', forge({ alg: 'nOnE' }, claims), /signed in a way/],
    ['an algorithm of another source', forge({ alg: 'RS256' }, claims), /signed in a way/],
    ['a longer HMAC', forge({ alg: 'HS512' }, claims), /signed in a way/],
    [
      'an extension that is critical',
      forge({ alg: 'HS256', crit: ['x'], x: 1 }, claims),
      /not a JWT/,
    ],
    ['no signature', forge({ alg: 'HS256' }, claims), /signature/],
  ])('is rejected with %s', async (_, token, reason) => {
    expect(await rejection(token)).toMatch(reason);
  });

  it('is rejected when it was signed with another secret, or with a signature of the wrong length', async () => {
    expect(await rejection(await sign(claims, { key: `${secret}x` }))).toMatch(/signature/);
  });

  it('is rejected when it names, links or contains its own key', async () => {
    const [own, other] = [makePair.p256(), makePair.p256()];
    const jwk = await exportJWK(other.publicKey);
    const headers = [{ jwk }, { jku: 'http://127.0.0.1:1/' }, { x5u: 'http://127.0.0.1:1/' }];
    for (const header of headers) {
      const token = await new SignJWT({ ...claims, exp: secondsFromNow(60) })
        .setProtectedHeader({ alg: 'ES256', kid: '../../own', ...header })
        .sign(other.privateKey);
      expect(await rejection(token, withKey(own.publicKey))).toMatch(/signature/);
    }
    const kid = '../../../dev/null';
    expect(await rejection(signByHand({ alg: 'HS256', kid }, ''))).toMatch(/signature/);
  });

  it('is rejected when its header changes the meaning of a part, signed or not', async () => {
    for (const more of [{ b64: false, crit: ['b64'] }, { crit: [] }, { crit: ['exp'], exp: 0 }]) {
      expect(await rejection(signByHand({ alg: 'HS256', ...more }))).toMatch(/not a JWT/);
    }
    await verifier.verify(signByHand({ alg: 'HS256' }));
  });

  it('is rejected when its claims were changed', async () => {
    const [header, , signature] = (await sign(claims)).split('.') as [string, string, string];
    const other = Buffer.from(JSON.stringify({ ...claims, sid: 's2' })).toString('base64url');
    expect(await rejection(`${header}.${other}.${signature}`)).toMatch(/signature/);
  });

  it.each([
    ['without exp', { exp: undefined }, /claim exp is missing or malformed/],
    ['with exp as text', { exp: '2999' as unknown as number }, /claim exp is missing or malformed/],
    ['that has expired', { exp: secondsFromNow(-clockToleranceSeconds - 1) }, /has expired/],
    ['of long ago', { exp: -1 }, /has expired/],
    ['with nbf as text', { nbf: '0' as unknown as number }, /claim nbf is missing or malformed/],
    ['without sid', { sid: undefined }, /claim sid is missing or malformed/],
    ['with an empty sid', { sid: '' }, /claim sid/],
    ['with a sid that is no id', { sid: 'a:b' }, /claim sid/],
    ['with a list of sids', { sid: ['s1'] }, /claim sid/],
    ['with lists in a list', { sid: [['s1']] }, /claim sid/],
    ['with a sid in letters that only look so', { sid: 'ѕ1' }, /claim sid/],
    ['with a sid and a NUL', { sid: 's1\0' }, /claim sid/],
    ['with a sid for all', { sid: '*' }, /claim sid/],
    ['with a mid that is no id', { mid: '../m' }, /claim mid/],
    ['with null for a mid', { mid: null }, /claim mid/],
    ['without scope', { scope: undefined }, /claim scope/],
    ['with a scope that has no read', { scope: 'stop' }, /claim scope/],
    ['with a scope of longer words', { scope: 'reads read:all' }, /claim scope/],
    ['with a list of scopes that has no read', { scope: ['stop', 'reads'] }, /claim scope/],
    ['with an empty list of scopes', { scope: [] }, /claim scope/],
    ['with a list of scopes in a list', { scope: [['read']] }, /claim scope/],
    ['with a list of what is no text', { scope: [{ read: true }, 1, null] }, /claim scope/],
    ['with a number for a scope', { scope: 1 }, /claim scope/],
    ['with null for a scope', { scope: null }, /claim scope/],
    ['with a number for a sid', { sid: 1 as unknown as string }, /claim sid/],
  ])('is rejected %s', async (_, changes, reason) => {
    expect(await rejection(await sign({ ...claims, ...changes }))).toMatch(reason);
  });

  it('is rejected before its nbf', async () => {
    const nbf = secondsFromNow(clockToleranceSeconds + 30);
    expect(await rejection(await sign({ ...claims, nbf }))).toMatch(/not valid yet/);
  });

  it('is rejected when it would never expire, as with the number 1e999', async () => {
    expect(await rejection(signText('{"sid":"s1","scope":"read","exp":1e999}'))).toMatch(
      /claim exp/,
    );
  });

  it('is accepted within the clock tolerance', async () => {
    const late = await sign({ ...claims, exp: secondsFromNow(1 - clockToleranceSeconds) });
    const early = await sign({ ...claims, nbf: secondsFromNow(clockToleranceSeconds - 1) });
    for (const token of [late, early]) await verifier.verify(token);
  });

  it('must have the configured issuer and audience', async () => {
    const options = readerOptions({ issuer: 'https://app.example', audience: 'rejoin' });
    const strict = new TokenVerifier(options, silentLogger);
    const good = { ...claims, iss: 'https://app.example', aud: ['other', 'rejoin'] };
    await strict.verify(await sign(good));
    expect(await rejection(await sign({ ...good, iss: 'x' }), strict)).toMatch(/claim iss/);
    expect(await rejection(await sign({ ...good, aud: 'x' }), strict)).toMatch(/claim aud/);
    expect(await rejection(await sign(claims), strict)).toMatch(/claim (iss|aud) is missing/);
  });

  describe('with configured claim names', () => {
    const names = { sid: 'https://app.example/sid', mid: 'app.run', scope: 'permissions' };
    const renamed = new TokenVerifier(readerOptions({ claims: names }), silentLogger);
    const good = { [names.sid]: 's1', permissions: ['write', 'read', 'stop'] };

    it('is read by them, nested or with dots in the name, and with rights as a list', async () => {
      const nested = { ...good, app: { run: 'm1' } };
      for (const named of [nested, { ...good, 'app.run': 'm1', app: { run: 'm2' } }]) {
        expect(await renamed.verify(await sign(named))).toMatchObject({
          sessionId: 's1',
          messageId: 'm1',
          rights: new Set(['read', 'stop']),
        });
      }
    });

    it.each([
      ['the usual names', claims, names.sid],
      ['no session', { permissions: ['read'] }, names.sid],
      ['a session that is no text', { ...good, [names.sid]: ['s1'] }, names.sid],
      ['a message that is none', { ...good, app: { run: null } }, names.mid],
      ['rights that do not have read', { ...good, permissions: ['stop'] }, names.scope],
      ['rights within one word of a list', { ...good, permissions: ['read stop'] }, names.scope],
      ['rights that are an object', { ...good, permissions: { read: true } }, names.scope],
    ])('is rejected with %s', async (_, bad, claim) => {
      await expect(renamed.verify(await sign(bad))).rejects.toMatchObject({
        code: 'unauthorized',
        message: expect.stringContaining(`its claim ${claim} is missing or malformed`),
      });
    });

    it.each([
      names,
      { sid: 'a.b.c', mid: 'a.b.d', scope: 'a.b.e' },
      { sid: 'a', mid: 'a.b', scope: 'a.b.c' },
      { sid: '__proto__', mid: 'constructor', scope: 'toString' },
      { sid: 'app.__proto__', mid: 'app.constructor', scope: 'app.hasOwnProperty' },
      { sid: 'sub', mid: `${'m.'.repeat(127)}m`, scope: 'https://app.example/a.b?c#d' },
    ])('created by createReaderToken is verified: %o', async (claims) => {
      const options = readerOptions({ claims, issuer: 'i', audience: 'a' });
      const by = new TokenVerifier(options, silentLogger);
      const grant = {
        sessionId: 's1',
        messageId: 'm1',
        mayStop: true,
        mayInput: true,
        subject: null,
        lifeSeconds: 60,
      };
      expect(await by.verify(await createReaderToken(grant, secret, options))).toMatchObject({
        sessionId: 's1',
        messageId: 'm1',
        rights: new Set(['read', 'stop', 'input']),
      });
      const session = await createReaderToken({ ...grant, messageId: null }, secret, options);
      expect(await by.verify(session)).toMatchObject({ sessionId: 's1', messageId: null });
    });

    it.each([
      'constructor',
      '__proto__',
      'toString',
      'app.constructor.name',
      'list.length',
      'text.0',
    ])('has no inherited claim: %s', async (sid) => {
      const by = new TokenVerifier(readerOptions({ claims: { ...names, sid } }), silentLogger);
      const own = { ...good, app: {}, list: ['s1'], text: 's1' };
      await expect(by.verify(await sign(own))).rejects.toMatchObject({ code: 'unauthorized' });
    });

    it('is read at any depth', async () => {
      const [depth, arrays] = [128, 5000];
      const sid = `${'a.'.repeat(depth - 1)}a`;
      const by = new TokenVerifier(readerOptions({ claims: { ...names, sid } }), silentLogger);
      const a = `${'{"a":'.repeat(depth - 1)}"s1"${'}'.repeat(depth - 1)}`;
      const rest = `"permissions":["read"],"x":${'['.repeat(arrays)}${']'.repeat(arrays)}`;
      const token = signText(`{"a":${a},${rest},"exp":${secondsFromNow(60)}}`);
      expect(await by.verify(token)).toMatchObject({ sessionId: 's1' });
    });

    it('is for the whole session where it names no message', async () => {
      for (const app of [undefined, 'run', { other: 'm1' }]) {
        const { messageId } = await renamed.verify(await sign({ ...good, app }));
        expect(messageId).toBeNull();
      }
    });
  });

  it('may be signed with any of several secrets, and with no other', async () => {
    const [old, young] = ['o'.repeat(32), 'y'.repeat(32)];
    const both = new TokenVerifier(readerOptions({ secrets: [old, young] }), silentLogger);
    for (const key of [old, young]) await both.verify(await sign(claims, { key }));
    expect(await rejection(await sign(claims), both)).toMatch(/signature/);
    const expired = await sign({ ...claims, exp: 1 }, { key: young });
    expect(await rejection(expired, both)).toMatch(/has expired/);
  });
});

describe('A public key', () => {
  it.each([
    ['RS256', 'rsa'],
    ['PS256', 'rsa'],
    ['ES256', 'p256'],
    ['ES384', 'p384'],
    ['ES512', 'p521'],
    ['EdDSA', 'ed25519'],
    ['Ed25519', 'ed25519'],
  ] as const)(
    'verifies what its private key has signed with %s, and nothing else',
    async (alg, kind) => {
      const [own, other] = [makePair[kind](), makePair[kind]()];
      const by = withKey(own.publicKey);
      const token = await sign(claims, { key: own.privateKey, alg });
      expect(await by.verify(token)).toMatchObject({ sessionId: 's1' });
      const forged = await sign(claims, { key: other.privateKey, alg });
      expect(await rejection(forged, by)).toMatch(/signature/);
    },
  );

  it.each(Object.keys(makePair) as (keyof typeof makePair)[])(
    'of the type %s is never used as the secret of an HMAC',
    async (kind) => {
      const { publicKey } = makePair[kind]();
      const der = publicKey.export({ type: 'spki', format: 'der' });
      const pem = pemOf(publicKey);
      for (const key of [pem, pem.trim(), der]) {
        for (const by of [withKey(publicKey), withKey(publicKey, [secret])]) {
          const token = await sign(claims, { key, alg: 'HS256' });
          expect(await rejection(token, by)).toMatch(/signed in a way|signature/);
        }
      }
    },
  );

  it('works beside a secret: the algorithm decides between the two', async () => {
    const { publicKey, privateKey } = makePair.p256();
    const by = withKey(publicKey, [secret]);
    await by.verify(await sign(claims));
    await by.verify(await sign(claims, { key: privateKey, alg: 'ES256' }));
  });

  it('has no algorithm when it is too short, or of another type', () => {
    const others = [
      generateKeyPairSync('rsa', { modulusLength: 1024 }),
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      generateKeyPairSync('x25519'),
    ];
    for (const { publicKey } of others) expect(publicKeyAlgorithms(publicKey)).toBeNull();
  });
});

describe('mayDo', () => {
  const session = {
    sessionId: 's1',
    messageId: null,
    rights: new Set(['read'] as const),
    subject: null,
    expiresAt: 0,
  };
  const stream = { ...session, messageId: 'm1', rights: new Set(['read', 'stop'] as const) };

  it.each([
    [session, 'read', { sid: 's1' }, true],
    [session, 'read', { sid: 's1', mid: 'm1' }, true],
    [session, 'stop', { sid: 's1', mid: 'm1' }, false],
    [session, 'read', { sid: 's2', mid: 'm1' }, false],
    [session, 'read', {}, false],
    [stream, 'read', { sid: 's1', mid: 'm1' }, true],
    [stream, 'stop', { sid: 's1', mid: 'm1' }, true],
    [stream, 'read', { sid: 's1', mid: 'm2' }, false],
    [stream, 'read', { sid: 's2', mid: 'm1' }, false],
    [stream, 'read', { sid: 's1' }, false],
    [stream, 'read', { mid: 'm1' }, false],
    [stream, 'read', {}, false],
  ] as const)('%o: %s of %o is %s', (reader, right, place, isAllowed) => {
    expect(mayDo(reader, right, place)).toBe(isAllowed);
  });
});

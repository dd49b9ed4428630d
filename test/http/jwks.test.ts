import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RemoteKeys, type RemoteKeysTimes } from '../../src/auth/remote-keys.js';
import { TokenVerifier } from '../../src/auth/token-verifier.js';
import { memoryBackend, silentLogger } from '../support/backends.js';
import { openFeed } from '../support/feed-client.js';
import { JwksServer } from '../support/jwks-server.js';
import { startApp, type TestApp } from '../support/test-app.js';
import { readerOptions, sign } from '../support/tokens.js';
import { waitFor } from '../support/wait-for.js';
import { feedUrl } from '../support/worker.js';

const claims = { sid: 's1', scope: 'read stop' };

let provider: JwksServer;
beforeEach(async () => {
  provider = await JwksServer.start();
});
afterEach(() => provider.stop());

const patient: RemoteKeysTimes = {
  timeoutMs: 30_000,
  coolDownMs: 60_000,
  refreshMs: 600_000,
  maxAgeMs: 3_600_000,
};

function verifierWith(times: Partial<RemoteKeysTimes> = {}): TokenVerifier {
  const options = readerOptions({ secrets: [], jwksUrl: provider.url });
  return new TokenVerifier(options, silentLogger, { ...patient, ...times });
}

const codeOf = (verifying: Promise<unknown>) =>
  verifying.then(
    () => 'taken',
    ({ code }) => code as string,
  );

describe('The key set of an identity provider', () => {
  it('is fetched once, when the first token arrives', async () => {
    const verifier = verifierWith();
    expect(provider.asked).toBe(0);
    const tokens = await Promise.all(Array.from({ length: 20 }, () => provider.sign(claims)));
    const taken = await Promise.all(tokens.map((token) => codeOf(verifier.verify(token))));
    expect(new Set(taken)).toEqual(new Set(['taken']));
    expect(provider.asked).toBe(1);
  });

  it('is fetched again when a token names an unknown key', async () => {
    const verifier = verifierWith({ coolDownMs: 0 });
    const old = await provider.sign(claims);
    await verifier.verify(old);
    provider.rotate('second');
    await verifier.verify(await provider.sign(claims));
    await verifier.verify(old);
    provider.rotate('third', { keepsOld: false });
    await verifier.verify(await provider.sign(claims));
    expect(await codeOf(verifier.verify(old))).toBe('unauthorized');
  });

  it('is not fetched again at once, whatever keys tokens name', async () => {
    const verifier = verifierWith();
    await verifier.verify(await provider.sign(claims));
    for (const kid of ['a', 'b', 'c']) {
      // It may be a new one: nobody is told for good that it is wrong.
      const made = await provider.sign(claims, kid);
      expect(await codeOf(verifier.verify(made))).toBe('backend_unavailable');
    }
    expect(provider.asked).toBe(1);
    expect(await codeOf(verifier.verify(await provider.sign(claims)))).toBe('taken');
  });

  it('makes a token with an unknown key invalid once it has been fetched', async () => {
    const verifier = verifierWith({ coolDownMs: 0 });
    const token = await provider.sign(claims, 'made-up');
    await expect(verifier.verify(token)).rejects.toThrow(/its key is unknown here/);
  });

  it('selects the key by its id when there are several', async () => {
    provider.rotate('second');
    const token = await provider.sign(claims, null);
    await expect(verifierWith().verify(token)).rejects.toThrow(/does not say by which key/);
  });

  it('never verifies an HMAC with a public key', async () => {
    const verifier = verifierWith();
    const token = await sign(claims, { key: 'k'.repeat(32) });
    await expect(verifier.verify(token)).rejects.toThrow(/signed in a way/);
    expect(provider.asked).toBe(0);
  });

  it('stays valid while the provider is down, and is refreshed in the background', async () => {
    const verifier = verifierWith({ coolDownMs: 0, refreshMs: 0 });
    const token = await provider.sign(claims);
    await verifier.verify(token);
    await provider.stop();
    expect(await codeOf(verifier.verify(token))).toBe('taken');
    await provider.start();
    provider.rotate('second', { keepsOld: false });
    await waitFor('the old key is gone', async () => {
      return (await codeOf(verifier.verify(token))) === 'unauthorized';
    });
  });

  it('is not used forever', async () => {
    const verifier = verifierWith({ coolDownMs: 0, maxAgeMs: 50 });
    const token = await provider.sign(claims);
    await verifier.verify(token);
    provider.failure = { status: 500, body: '' };
    await waitFor('they are too old', async () => {
      return (await codeOf(verifier.verify(token))) === 'backend_unavailable';
    });
  });

  it.each([
    ['an error', { status: 500, body: '{}' }],
    ['a redirection', { status: 302, body: '' }],
    ['no JSON', { status: 200, body: '<html>' }],
    ['no set of keys', { status: 200, body: '{"keys":1}' }],
  ])('cannot be fetched as %s, and the provider is asked once for a while', async (_, failure) => {
    provider.failure = failure;
    const verifier = verifierWith();
    const token = await provider.sign(claims);
    for (let count = 0; count < 5; count += 1) {
      expect(await codeOf(verifier.verify(token))).toBe('backend_unavailable');
    }
    expect(provider.asked).toBe(1);
  });

  it('is not waited for longer than its timeout', async () => {
    provider.isStuck = true;
    const token = await provider.sign(claims);
    const verifier = verifierWith({ timeoutMs: 300 });
    expect(await codeOf(verifier.verify(token))).toBe('backend_unavailable');
  });

  it('is fetched again once the provider is back', async () => {
    await provider.stop();
    const verifier = verifierWith({ coolDownMs: 50 });
    const token = await provider.sign(claims);
    expect(await codeOf(verifier.verify(token))).toBe('backend_unavailable');
    await provider.start();
    await waitFor('it is taken', async () => (await codeOf(verifier.verify(token))) === 'taken');
  });

  it('is logged when it cannot be fetched, once for each attempt', async () => {
    const lines: unknown[] = [];
    const logger = { ...silentLogger, error: (...line: unknown[]) => lines.push(line) };
    provider.failure = { status: 500, body: '' };
    const keys = new RemoteKeys(provider.url, logger as never, patient);
    const find = () => codeOf(Promise.resolve(keys.find({ alg: 'ES256' }, {} as never)));
    expect(await Promise.all([find(), find(), find()])).toEqual(
      Array.from({ length: 3 }, () => 'backend_unavailable'),
    );
    await find();
    expect(lines).toEqual([[expect.anything(), 'The keys of reader tokens could not be fetched']]);
  });
});

describe('While the key set cannot be fetched', () => {
  let app: TestApp;
  let streams: Awaited<ReturnType<typeof memoryBackend.create>>;
  beforeEach(async () => {
    await provider.stop();
    streams = await memoryBackend.create();
    const reader = readerOptions({ secrets: [], jwksUrl: provider.url });
    app = await startApp(streams, { auth: { reader } });
  });
  afterEach(async () => {
    await app.close();
    await streams.close();
    await provider.start(); // for the hook that stops it
  });

  it('a feed is drained with a retry, as EventSource reconnects then, and not rejected for good', async () => {
    const token = await provider.sign(claims);
    const feed = await openFeed(feedUrl(app.url, `?token=${token}`));
    await feed.end();
    expect(feed.status).toBe(200);
    expect(feed.response.headers).toMatchObject({
      'stream-refused': 'backend_unavailable',
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-store, no-transform',
    });
    expect(feed.raw).toBe('retry: 5000\n: refused: backend_unavailable\n');
    const head = await fetch(feedUrl(app.url, `?token=${token}`), { method: 'HEAD' });
    expect([head.status, head.headers.get('stream-refused')]).toEqual([200, 'backend_unavailable']);
  });

  it('the AI SDK feed gets 503 with Retry-After', async () => {
    const headers = { authorization: `Bearer ${await provider.sign(claims)}` };
    const response = await fetch(`${app.url}/ai-sdk/sessions/s1/stream`, { headers });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await response.json()).toMatchObject({ code: 'backend_unavailable' });
  });

  it('other routes respond 503 with the reason and stored: 0', async () => {
    const headers = { authorization: `Bearer ${await provider.sign(claims)}` };
    const url = `${app.url}/sessions/s1/messages/m1`;
    const read = await fetch(`${url}/events`, { headers });
    const stop = await fetch(`${url}/stop`, { method: 'POST', headers });
    for (const response of [read, stop]) {
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({
        code: 'backend_unavailable',
        detail: 'the keys of reader tokens could not be fetched',
        ...(response === stop && { stored: 0 }),
      });
    }
  });

  it('a feed without a token, or with an algorithm that no key has, is rejected for good', async () => {
    for (const query of ['', '?token=x', `?token=${await sign(claims)}`]) {
      expect((await openFeed(feedUrl(app.url, query))).status).toBe(401);
    }
  });
});

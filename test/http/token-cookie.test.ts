import { beforeAll, describe, expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { bring, readerOptions, sign } from '../support/tokens.js';

const reader = readerOptions();

describe('A cookie with a reader token', () => {
  const listed = 'https://app.example.com';
  const listedOnly = { origin: listed };
  const wildcard = 'https://*.preview.example.com';
  const options = { auth: { reader }, cors: { origins: [listed, wildcard] } };

  describeApp('at POST …/stop', options, (source) => {
    let host: string;
    beforeAll(() => {
      host = new URL(source.app.url).host;
    });

    async function stop(headers: Record<string, string>): Promise<number> {
      const one = source.stream();
      await one.post({ type: 'answer' });
      const cookie = `rejoin_token=${await sign({ sid: one.sid, scope: 'read stop' })}`;
      const response = await fetch(`${one.url}/stop`, {
        method: 'POST',
        headers: { cookie, ...headers },
      });
      const { events } = await source.streams.getEvents(one.id, 0, 10);
      expect(events.at(-1)?.ending).toBe(response.status === 200 ? 'stopped' : null);
      return response.status;
    }

    it('is accepted from an allowed origin, and from the service’s own origin', async () => {
      expect(await stop({ origin: listed, 'sec-fetch-site': 'cross-site' })).toBe(200);
      expect(await stop({ origin: listed })).toBe(200);
      const preview = 'https://pr-17.preview.example.com';
      expect(await stop({ origin: preview, 'sec-fetch-site': 'same-site' })).toBe(200);
      expect(await stop({ 'sec-fetch-site': 'same-origin' })).toBe(200);
      expect(await stop({ origin: `http://${host}` })).toBe(200);
      expect(await stop({ origin: `https://${host}` })).toBe(200); // TLS may end before us
    });

    it.each([
      {},
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: '' },
      { origin: 'https://app.example.com.evil.example' },
      { origin: 'https://preview.example.com', 'sec-fetch-site': 'same-site' },
      { origin: 'https://a.b.preview.example.com', 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example/.preview.example.com' },
      { origin: 'http://pr-17.preview.example.com' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'same-origin, same-origin' },
      { origin: 'https://evil.example', referer: listed },
    ])('is rejected from any other: %o', async (headers) => {
      expect(await stop(headers as Record<string, string>)).toBe(403);
    });

    it('is rejected from a page of another site that pretends to be the host', async () => {
      const origin = `http://${host}`;
      expect(await stop({ origin, 'sec-fetch-site': 'cross-site' })).toBe(403);
    });

    it('differs from a token in a header, which is accepted from a program and from no other page', async () => {
      const other = { origin: 'https://evil.example' };
      for (const place of ['header', 'query'] as const) {
        const one = source.stream();
        await one.post({ type: 'answer' });
        const { headers, query } = bring(await sign({ sid: one.sid, scope: 'read stop' }), place);
        const stopWith = async (more: Record<string, string>) => {
          const init = { method: 'POST', headers: { ...headers, ...more } };
          return (await fetch(`${one.url}/stop${query}`, init)).status;
        };
        expect([await stopWith(other), await stopWith({}), await stopWith(listedOnly)]).toEqual([
          403, 200, 200,
        ]);
      }
    });

    it('is accepted for reads from any page, as the browser shows a page nothing that is not for it', async () => {
      const one = source.stream();
      await one.post({ type: 'answer' });
      const cookie = `rejoin_token=${await sign({ sid: one.sid, scope: 'read' })}`;
      const headers = { cookie, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
      for (const method of ['GET', 'HEAD']) {
        const response = await fetch(one.eventsUrl, { method, headers });
        expect(response.status).toBe(200);
        expect(response.headers.get('access-control-allow-origin')).toBeNull();
      }
    });
  });

  describeApp(
    'with a configured name',
    { auth: { reader: readerOptions({ cookie: '__Host-reader' }) } },
    ({ stream }) => {
      it('is the one that is verified', async () => {
        const one = stream();
        const token = await sign({ sid: one.sid, scope: 'read' });
        const statusWith = async (cookie: string) =>
          (await fetch(one.eventsUrl, { headers: { cookie } })).status;
        expect(await statusWith(`__Host-reader=${token}`)).toBe(200);
        expect(await statusWith(`rejoin_token=${token}`)).toBe(401);
      });
    },
  );
});

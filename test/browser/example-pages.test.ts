import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.js';
import { isReady, onRedis, startRedis, startService } from '../support/test-processes.js';
import { secret, sign } from '../support/tokens.js';
import { eventsUrl, post } from '../support/worker.js';
import { launchBrowser } from './event-source-page.js';

const examples = resolve(import.meta.dirname, '../../examples');

const plainPage = async () => readFileSync(join(examples, 'page/index.html'), 'utf8');

async function reactPage(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(examples, 'react/stream-page.jsx')],
    bundle: true,
    jsx: 'automatic',
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  return `<!doctype html><div id="root"></div><script>${outputFiles[0]?.text}</script>`;
}

/** Serves the page from an origin of its own until the test is over, and returns that. */
async function serve(html: string): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8').end(html);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const status = (page: Page, value: string) => page.waitForSelector(`main[data-status=${value}]`);
const shows = (page: Page, text: string) =>
  page.waitForFunction(`document.querySelector('p')?.textContent === ${JSON.stringify(text)}`);

describe.each([
  ['plain', plainPage],
  ['React', reactPage],
])('The %s page of the examples, in Chromium,', (_, htmlOf) => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  async function openPage(origin: string, serviceUrl: string, token?: string): Promise<Page> {
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const url = eventsUrl(serviceUrl).replace(/\/events$/, '');
    const parameters = new URLSearchParams({ url, ...(token !== undefined && { token }) });
    await page.goto(`${origin}/?${parameters}`);
    return page;
  }

  const answers = (...contents: string[]) =>
    contents.map((content) => ({ type: 'answer', content }));

  it('shows each event once though the service is restarted, and the end', async () => {
    const origin = await serve(await htmlOf());
    const redis = await startRedis();
    const settings = onRedis(redis, {
      PORT: String(await freePort()),
      CORS_ORIGINS: origin,
      FEED_LINGER: '300ms',
    });
    const first = await startService(settings);
    await isReady(first);
    const page = await openPage(origin, first.url);
    await post(eventsUrl(first.url), [{ type: 'thinking', content: 'Hm.' }, ...answers('a', 'b')]);
    await shows(page, 'ab');
    await first.kill();
    await status(page, 'connecting');
    const second = await startService(settings);
    await isReady(second);
    await post(eventsUrl(second.url), [...answers('c', '<b>d</b>'), { type: 'complete' }]);
    await status(page, 'complete');
    await shows(page, 'abc<b>d</b>');
    expect(await page.locator('em').textContent()).toBe('Hm.');
  });

  it('shows the same text when it is loaded again in the midst of an answer', async () => {
    const origin = await serve(await htmlOf());
    const service = await startService({ CORS_ORIGINS: origin, FEED_LINGER: '300ms' });
    const page = await openPage(origin, service.url);
    const words = Array.from({ length: 600 }, (_, index) => `${index} `);
    for (const from of [0, 200]) {
      await post(eventsUrl(service.url), answers(...words.slice(from, from + 200)));
    }
    await shows(page, words.slice(0, 400).join(''));
    await page.reload();
    await shows(page, words.slice(0, 400).join(''));
    await post(eventsUrl(service.url), [...answers(...words.slice(400)), { type: 'complete' }]);
    await status(page, 'complete');
    await shows(page, words.join(''));
  });

  it('begins anew when its stream was lost', async () => {
    const origin = await serve(await htmlOf());
    const settings = { PORT: String(await freePort()), CORS_ORIGINS: origin };
    const first = await startService(settings);
    await post(eventsUrl(first.url), answers('old'));
    const page = await openPage(origin, first.url);
    await shows(page, 'old');
    await first.kill();
    const second = await startService(settings);
    await post(eventsUrl(second.url), answers('new'));
    await shows(page, 'new');
  });

  it('stops the run', async () => {
    const origin = await serve(await htmlOf());
    const service = await startService({ CORS_ORIGINS: origin, FEED_LINGER: '300ms' });
    await post(eventsUrl(service.url), answers('a'));
    const page = await openPage(origin, service.url);
    await shows(page, 'a');
    await page.click('button');
    await status(page, 'stopped');
    expect((await post(eventsUrl(service.url), answers('b'))).status).toBe(409);
  });

  it('follows and stops with a token in its address, where one is needed', async () => {
    const origin = await serve(await htmlOf());
    const settings = { AUTH_READER_SECRET: secret, CORS_ORIGINS: origin, FEED_LINGER: '300ms' };
    const service = await startService(settings);
    await post(eventsUrl(service.url), answers('a'));
    const reading = await openPage(origin, service.url, await sign({ sid: 's1', scope: 'read' }));
    await shows(reading, 'a');
    const stopping = { sid: 's1', mid: 'm1', scope: 'read stop' };
    const page = await openPage(origin, service.url, await sign(stopping));
    await shows(page, 'a');
    const refused = reading.waitForResponse((answer) => answer.url().includes('/stop'));
    await reading.click('button');
    expect((await refused).status()).toBe(403);
    await page.click('button');
    for (const one of [reading, page]) await status(one, 'stopped');
  });
});

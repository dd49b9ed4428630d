import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { clockToleranceSeconds } from '../../src/auth/reader-tokens.js';
import { freePort } from '../support/free-port.js';
import { sharedService } from '../support/shared-service.js';
import { isReady, onRedis, startRedis, startService } from '../support/test-processes.js';
import { secondsFromNow, secret, sign } from '../support/tokens.js';
import { eventsUrl, post } from '../support/worker.js';
import { holds, newPage } from './browser.js';
import { connectionFaults, FaultyProxy } from './connection-faults.js';
import { pageServer } from './page-server.js';

const examples = resolve(import.meta.dirname, '../../examples');

const read = (path: string) => readFileSync(join(examples, path), 'utf8');

const plainPage = () => read('page/index.html');

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

const status = (page: Page, value: string) => page.waitForSelector(`main[data-status=${value}]`);
const shows = (page: Page, text: string) =>
  holds(
    page,
    'the page shows the text',
    `document.querySelector('p')?.textContent === ${JSON.stringify(text)}`,
  );

const pages = {
  plain: pageServer(plainPage, { '/follow.js': read('page/follow.js') }),
  React: pageServer(reactPage),
};
const common = () => ({
  CORS_ORIGINS: Object.values(pages)
    .map(({ origin }) => origin)
    .join(),
  FEED_LINGER: '300ms',
  FEED_HEARTBEAT: '500ms',
  FEED_START_TIMEOUT: '1s',
});
const service = sharedService(common);
const guarded = sharedService(() => ({ ...common(), AUTH_READER_SECRET: secret }));

interface ExamplePage {
  readonly origin: string;
}

function addressOf(
  { origin }: ExamplePage,
  messageEvents: string,
  more: Readonly<Record<string, string>> = {},
): string {
  const url = messageEvents.replace(/\/events$/, '');
  return `${origin}/?${new URLSearchParams({ url, ...more })}`;
}

async function openPage(...address: Parameters<typeof addressOf>): Promise<Page> {
  const page = await newPage();
  await page.goto(addressOf(...address));
  return page;
}

/**
 * A page that shows an event by a token that expires soon. Where that expires too soon for a busy
 * machine, this starts again with one that lives twice as long.
 *
 * @param prepare what has to be done before the token expires
 */
async function openWithBriefToken(example: ExamplePage, prepare = async (_: Page) => {}) {
  const url = eventsUrl(guarded.url, guarded.sid);
  await post(url, answers('a'));
  for (let seconds = 3; ; seconds *= 2) {
    const page = await newPage();
    const rejection = page.waitForResponse((response) => response.status() === 401);
    const exp = secondsFromNow(seconds - clockToleranceSeconds);
    const token = await sign({ sid: guarded.sid, scope: 'read', exp });
    const isPrepared = page
      .goto(addressOf(example, url, { token }))
      .then(() => shows(page, 'a'))
      .then(() => prepare(page))
      .then(() => true);
    if (await Promise.race([isPrepared, rejection.then(() => false)])) {
      return { page, url, rejection };
    }
    await page.close();
  }
}

const answers = (...contents: string[]) => contents.map((content) => ({ type: 'answer', content }));

describe.each(Object.entries(pages))('The %s page of the examples, in Chromium,', (_, example) => {
  it('shows each event once though the service is restarted, and the end', async () => {
    const redis = await startRedis();
    const settings = onRedis(redis, { ...common(), PORT: String(await freePort()) });
    const first = await startService(settings);
    await isReady(first);
    const page = await openPage(example, eventsUrl(first.url));
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

  it('shows the same text when it is reloaded in the middle of an answer', async () => {
    const page = await openPage(example, eventsUrl(service.url, service.sid));
    const words = Array.from({ length: 600 }, (_, index) => `${index} `);
    for (const from of [0, 200]) {
      await post(eventsUrl(service.url, service.sid), answers(...words.slice(from, from + 200)));
    }
    await shows(page, words.slice(0, 400).join(''));
    await page.reload();
    await shows(page, words.slice(0, 400).join(''));
    await post(eventsUrl(service.url, service.sid), [
      ...answers(...words.slice(400)),
      { type: 'complete' },
    ]);
    await status(page, 'complete');
    await shows(page, words.join(''));
  });

  it('begins again when its stream was lost', async () => {
    const settings = { ...common(), PORT: String(await freePort()) };
    const first = await startService(settings);
    await post(eventsUrl(first.url), answers('old'));
    const page = await openPage(example, eventsUrl(first.url));
    await shows(page, 'old');
    await first.kill();
    const second = await startService(settings);
    await post(eventsUrl(second.url), answers('new'));
    await shows(page, 'new');
  });

  it('stops the run', async () => {
    await post(eventsUrl(service.url, service.sid), answers('a'));
    const page = await openPage(example, eventsUrl(service.url, service.sid));
    await shows(page, 'a');
    await page.click('button');
    await status(page, 'stopped');
    expect((await post(eventsUrl(service.url, service.sid), answers('b'))).status).toBe(409);
  });

  it('follows and stops with a token in its address, where one is needed', async () => {
    await post(eventsUrl(guarded.url, guarded.sid), answers('a'));
    const reading = await openPage(example, eventsUrl(guarded.url, guarded.sid), {
      token: await sign({ sid: guarded.sid, scope: 'read' }),
    });
    await shows(reading, 'a');
    const stopping = { sid: guarded.sid, mid: 'm1', scope: 'read stop' };
    const page = await openPage(example, eventsUrl(guarded.url, guarded.sid), {
      token: await sign(stopping),
    });
    await shows(page, 'a');
    const rejected = reading.waitForResponse((answer) => answer.url().includes('/stop'));
    await reading.click('button');
    expect((await rejected).status()).toBe(403);
    await page.click('button');
    for (const one of [reading, page]) await status(one, 'stopped');
  });

  it('goes on with another token when the first has expired', async () => {
    const token = await sign({ sid: guarded.sid, scope: 'read' });
    const { page, url, rejection } = await openWithBriefToken(example, async (opened) => {
      const address = new URL(opened.url());
      address.searchParams.set('token', token);
      await opened.evaluate(`history.replaceState(null, '', ${JSON.stringify(address.href)})`);
    });
    await rejection;
    await post(url, [...answers('b'), { type: 'complete' }]);
    await status(page, 'complete');
    await shows(page, 'ab');
  });
});

// The hook for React follows by the same function.
describe('The plain page of the examples, in Chromium,', () => {
  it.each(connectionFaults)('reconnects after a connection that %s', async (_, inject) => {
    const proxy = await FaultyProxy.start(service.url);
    await post(eventsUrl(service.url, service.sid), answers('a'));
    const page = await openPage(pages.plain, eventsUrl(proxy.url, service.sid));
    await shows(page, 'a');
    const isMet = inject(proxy, page);
    await post(eventsUrl(service.url, service.sid), answers('b'));
    await isMet;
    await shows(page, 'ab');
    await post(eventsUrl(service.url, service.sid), [...answers('c'), { type: 'complete' }]);
    await status(page, 'complete');
    await shows(page, 'abc');
  });

  it('shows that its stream is gone, and stops asking', async () => {
    const url = eventsUrl(service.url, service.sid);
    await post(url, answers('a'));
    const page = await openPage(pages.plain, url);
    await shows(page, 'a');
    await fetch(url.replace(/\/events$/, ''), { method: 'DELETE' });
    await status(page, 'gone');
    await shows(page, '');
  });

  it('shows that its token is rejected when there is no other', async () => {
    const { page, url } = await openWithBriefToken(pages.plain);
    await status(page, 'rejected');
    await post(url, answers('b'));
    await shows(page, 'a');
  });
});

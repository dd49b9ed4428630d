import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.js';
import { isReady, onRedis, startRedis, startService } from '../support/test-processes.js';
import { holds, newPage } from './browser.js';

const main = resolve(import.meta.dirname, '../../examples/ai-sdk/main.ts');

/** @param wordMs how long each of the 100 words of the answer takes */
async function startExample(serviceUrl: string, wordMs = 40): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', main, serviceUrl], {
    env: { PATH: process.env.PATH, PORT: String(await freePort()), WORD_MS: String(wordMs) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return line.toString().trim();
}

const asked = 'What do cats do?';
const whole = `You asked: ${asked} `.repeat(20);
const answer = 'article.assistant p';
const status = (page: Page, value: string) => page.waitForSelector(`main[data-status=${value}]`);

/** Resolves when the page shows this many characters of the answer. */
function shows(page: Page, length: number): Promise<void> {
  const shown = `document.querySelector('${answer}')?.textContent.length`;
  return holds(page, `the page shows ${length} characters`, `${shown} >= ${length}`);
}

describe('The page of the AI SDK example, in Chromium,', () => {
  /** A page that has asked, and shows the beginning of the answer. */
  async function ask(origin: string): Promise<Page> {
    const page = await newPage();
    await page.goto(origin);
    await page.fill('input', asked);
    await page.click('button[type=submit]');
    await shows(page, 30);
    return page;
  }

  it('resumes after a reload in the middle of a message, and shows it once', async () => {
    const service = await startService();
    const page = await ask(await startExample(service.url));
    await page.reload();
    await shows(page, 60);
    await status(page, 'ready');
    expect(await page.locator(answer).allTextContents()).toEqual([whole]);
    expect(await page.locator('article').count()).toBe(2);
    expect(await page.locator('code').allTextContents()).toEqual(['search: output-available']);
    expect(await page.locator('em').allTextContents()).toEqual(['Let me look.']);
  });

  it('stops the run for good, on every page', async () => {
    const service = await startService();
    const origin = await startExample(service.url, 1000); // stopped long before its end
    const [page, other] = [await ask(origin), await newPage()];
    await other.goto(origin);
    await shows(other, 30);
    await page.click('text=Stop');
    for (const one of [page, other]) await status(one, 'ready');
    const [text] = await page.locator(answer).allTextContents();
    expect(text?.length).toBeLessThan(whole.length);
    expect(await other.locator(answer).allTextContents()).toEqual([text]);
  });

  it.each([
    ['Allow', 'send_mail: output-available'],
    ['Deny', 'send_mail: output-denied'],
  ])(
    'still asks after a reload while an approval waits, and goes on after %s',
    async (button, outcome) => {
      const service = await startService();
      const origin = await startExample(service.url);
      const [page, other] = [await newPage(), await newPage()];
      await page.goto(origin);
      await page.fill('input', 'Send a mail.');
      await page.click('button[type=submit]');
      await page.waitForSelector('fieldset');
      expect(await page.locator('legend').textContent()).toBe(
        'May it run send_mail({"to":"everyone"})?',
      );
      await page.reload();
      await other.goto(origin);
      for (const one of [page, other]) await one.waitForSelector('fieldset:enabled');
      await page.click(`text=${button}`);
      for (const one of [page, other]) {
        await status(one, 'ready');
        expect(await one.locator('fieldset').count()).toBe(0);
        const calls = await one.locator('code').allTextContents();
        expect(calls).toEqual(['search: output-available', outcome]);
        expect(await one.locator('article').count()).toBe(2);
      }
    },
  );

  it('reconnects automatically when the service was restarted', async () => {
    const redis = await startRedis();
    const settings = onRedis(redis, { PORT: String(await freePort()) });
    const first = await startService(settings);
    await isReady(first);
    const page = await ask(await startExample(first.url));
    await first.kill();
    await status(page, 'error');
    await startService(settings);
    await status(page, 'ready');
    expect(await page.locator(answer).allTextContents()).toEqual([whole]);
  });
});

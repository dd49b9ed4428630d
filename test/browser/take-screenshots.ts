/**
 * Makes the pictures of the inspector in docs/images anew. Needs dist/ and Chromium.
 *
 * usage: npx tsx test/browser/take-screenshots.ts
 */
import { resolve } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { chromium as chromiumPackage, ensureProgram } from '../support/debian-packages.js';
import { ServiceProcess } from '../support/service-process.js';

const images = resolve(import.meta.dirname, '../../docs/images');

async function openPage(browser: Browser, url: string, options: BrowserContextOptions) {
  const page = await browser.newPage(options);
  await page.goto(url);
  return page;
}

const click = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

/** A run that was cut off in the middle of its answer and resumed. */
async function runAndCut(page: Page): Promise<void> {
  await click(page, 'Sample run');
  await page.locator('#frames li').nth(66).waitFor({ state: 'attached' });
  await click(page, 'Cut connection');
  await page.getByText(/\d\d more wait/).waitFor();
  await page.screenshot({ path: resolve(images, 'inspector-cut.png') });
  await click(page, 'Resume');
  await click(page, 'Approve');
  await page.getByText('each once and in order').waitFor({ timeout: 60_000 });
}

const service = await ServiceProcess.listening({ FEED_LINGER: '0' });
const executablePath = ensureProgram(chromiumPackage);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  const viewport = { width: 1120, height: 720 };
  const page = await openPage(browser, `${service.url}/inspector`, { viewport });
  await runAndCut(page);
  const phone = await openPage(browser, page.url(), {
    viewport: { width: 375, height: 720 },
    colorScheme: 'dark',
  });
  await phone.getByText('each once and in order').waitFor();
  await phone.screenshot({ path: resolve(images, 'inspector-phone.png') });
  await page.getByText('Frames', { exact: true }).click();
  await page.locator('#frames li').last().waitFor();
  await page.screenshot({ path: resolve(images, 'inspector-frames.png') });
} finally {
  await browser.close();
  service.signal('SIGTERM');
  await service.exit();
}

import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { inject, onTestFinished } from 'vitest';
import { chromiumArguments } from '../support/chromium-arguments.js';

/** A deadline only ends what would never come. */
const maxWaitMs = 240_000;

/** Launched for the first test that needs it, for all tests of this worker process. */
let browser: Promise<Browser> | null = null;

/** A page with cookies and storage of its own, until the test is over. */
export async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
  browser ??= launchBrowser();
  // Animations are drawn all the time.
  const context = await (await browser).newContext({ reducedMotion: 'reduce', ...options });
  onTestFinished(() => context.close());
  context.setDefaultTimeout(maxWaitMs);
  return context.newPage();
}

/**
 * Resolves when a JavaScript expression is true in the page, which evaluates it again and again: to
 * ask from outside costs some ten milliseconds of processor time each time. The page must not
 * navigate meanwhile.
 */
export function holds(page: Page, what: string, expression: string): Promise<void> {
  return page.evaluate(`new Promise((resolve, reject) => {
    const deadline = performance.now() + ${maxWaitMs};
    const evaluate = () => {
      if (${expression}) resolve();
      else if (performance.now() < deadline) setTimeout(evaluate, 20);
      else reject(new Error(${JSON.stringify(`waited ${maxWaitMs} ms in vain: ${what}`)}));
    };
    evaluate();
  })`);
}

async function launchBrowser(): Promise<Browser> {
  const executablePath = inject('chromiumPath');
  const launched = await chromium.launch({
    executablePath,
    args: [...chromiumArguments],
    handleSIGTERM: false,
  });
  // This is how vitest ends its workers.
  process.once('SIGTERM', async () => {
    await launched.close();
    process.kill(process.pid, 'SIGTERM');
  });
  return launched;
}

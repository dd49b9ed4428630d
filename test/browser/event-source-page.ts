import { type Browser, chromium, type Page } from 'playwright-core';
import { inject, onTestFinished } from 'vitest';

/** What the page notes of its EventSource. */
export interface Noted {
  readonly frames: readonly { readonly type: string; readonly data: string; readonly id: string }[];
  /** How often it was opened. */
  readonly opens: number;
  /** Its `readyState` at each error, which is how it reports the end of a response. */
  readonly errors: readonly number[];
  readonly readyState: number;
}

export const connecting = 0;
export const open = 1;
export const closed = 2;

const html = `<!doctype html><meta charset="utf-8"><title>feed</title><script>
  let source = null;
  const noted = { frames: [], opens: 0, errors: [] };
  function follow(url, names) {
    source = new EventSource(url);
    source.onopen = () => { noted.opens += 1; };
    const note = ({ type, data, lastEventId }) => {
      if (data !== undefined) noted.frames.push({ type, data, id: lastEventId });
      else noted.errors.push(source.readyState);
    };
    for (const name of ['message', 'error', ...names]) source.addEventListener(name, note);
  }
</script>`;

export function launchBrowser(): Promise<Browser> {
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  return chromium.launch({ executablePath: inject('chromiumPath'), headless: true, args });
}

/** A page of the service's own origin whose EventSource is Chromium's, and left to itself. */
export class EventSourcePage {
  /** The statuses of the answers that its EventSource got. */
  readonly statuses: number[] = [];

  private constructor(readonly page: Page) {
    page.on('response', (response) => {
      if (response.url().includes('/stream')) this.statuses.push(response.status());
    });
  }

  /**
   * @param url of the feed
   * @param names that it listens to, beside `message` and `error`
   */
  static async follow(browser: Browser, url: string, names: readonly string[] = []) {
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const address = new URL('/page', url).href;
    await page.route(address, (route) => route.fulfill({ contentType: 'text/html', body: html }));
    await page.goto(address);
    const follower = new EventSourcePage(page);
    await page.evaluate(`follow(${JSON.stringify(url)}, ${JSON.stringify(names)})`);
    return follower;
  }

  noted(): Promise<Noted> {
    return this.page.evaluate('({ ...noted, readyState: source.readyState })');
  }
}

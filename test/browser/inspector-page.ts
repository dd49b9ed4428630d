import type { BrowserContextOptions, Page } from 'playwright-core';
import { holds, newPage } from './browser.js';

const noteSentences = `
  said = [];
  new MutationObserver(() => {
    const sentence = document.querySelector('#state')?.textContent;
    if (sentence !== undefined && sentence !== said.at(-1)) said.push(sentence);
  }).observe(document, { subtree: true, childList: true, characterData: true });`;

/** The inspector in a tab of its own. */
export class InspectorPage {
  /** What went wrong in it, scripts that its policy kept out included. */
  readonly complaints: string[] = [];
  /** What it asked for, with the headers. */
  readonly requests: { url: string; headers: Record<string, string> }[] = [];

  private constructor(readonly page: Page) {
    page.on('pageerror', ({ message }) => this.complaints.push(message));
    page.on('dialog', (dialog) => {
      this.complaints.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    page.on('request', (request) =>
      this.requests.push({ url: request.url(), headers: request.headers() }),
    );
  }

  /** @param base of the service */
  static async open(
    base: string,
    query = '',
    options: BrowserContextOptions & { prepare?: (page: Page) => Promise<unknown> } = {},
  ): Promise<InspectorPage> {
    const { prepare, ...context } = options;
    const page = await newPage(context);
    const inspector = new InspectorPage(page);
    await page.addInitScript(noteSentences);
    await prepare?.(page);
    await page.goto(`${base}/inspector${query}`);
    return inspector;
  }

  click(name: string): Promise<void> {
    return this.page.getByRole('button', { name, exact: true }).click();
  }

  /** Enters a key or a token, as somebody does who pastes it and goes on. */
  async enter(label: 'API key' | 'Reader token', text: string): Promise<void> {
    const input = this.page.getByLabel(label);
    // Not by a click: the page opens it too, when it needs a key, and the click would close it.
    await this.page.evaluate(`document.querySelector('#credentials').open = true`);
    await input.fill(text);
    await input.press('Tab');
  }

  choose(view: 'Conversation' | 'Frames'): Promise<void> {
    return this.page.getByRole('radio', { name: view }).check({ force: true });
  }

  /** What is said of the connection. */
  get state(): Promise<string> {
    return this.page.locator('#state').innerText();
  }

  says(pattern: RegExp): Promise<void> {
    const says = `${pattern}.test(document.querySelector('#state')?.innerText ?? '')`;
    return holds(this.page, `the page says ${pattern}`, says);
  }

  /** Whether it was said of the connection at any time. */
  hasSaid(pattern: RegExp): Promise<void> {
    const hasSaid = `said.some((sentence) => ${pattern}.test(sentence))`;
    return holds(this.page, `the page has said ${pattern}`, hasSaid);
  }

  /** The id and the text of each frame that it shows, whichever view is open. */
  get frames(): Promise<{ id: string; data: string }[]> {
    return this.page.locator('#frames li:not(.mark)').evaluateAll((rows) =>
      rows.map((row) => ({
        id: row.querySelector('.id')?.textContent ?? '',
        data: row.querySelector('.data')?.textContent ?? '',
      })),
    );
  }

  hasFrames(count: number): Promise<void> {
    return holds(this.page, `${count} frames`, hasFrames(count));
  }

  /** Whether it has that many frames before it says something of the connection. */
  async hasFramesUnless(count: number, pattern: RegExp): Promise<boolean> {
    const says = `${pattern}.test(document.querySelector('#state')?.innerText ?? '')`;
    const either = `(${hasFrames(count)} || ${says})`;
    await holds(this.page, `${count} frames, or ${pattern}`, either);
    return this.page.evaluate<boolean>(hasFrames(count));
  }

  /** The ids of the stream that is open, as its address has them. */
  get stream(): { sid: string; mid: string } {
    const query = new URL(this.page.url()).searchParams;
    return { sid: query.get('sid') ?? '', mid: query.get('mid') ?? '' };
  }

  /** The answer as it is shown, without the notes of cuts; the marks of Markdown are hidden in it. */
  answer(): Promise<string> {
    return this.page.evaluate(`
      [...document.querySelectorAll('.answer .text')].map((text) => {
        const copy = text.cloneNode(true);
        for (const seam of copy.querySelectorAll('.seam')) seam.remove();
        return copy.textContent;
      }).join('')`);
  }
}

/** An expression: whether the page has that many frames. */
function hasFrames(count: number): string {
  return `document.querySelectorAll('#frames li:not(.mark)').length >= ${count}`;
}

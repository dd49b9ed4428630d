import type { Page } from 'playwright-core';
import { holds, newPage } from './browser.js';

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

/** A page that follows what it is told to. */
export const followingPage = `<!doctype html><meta charset="utf-8"><title>feed</title><script>
  let source = null;
  const noted = { frames: [], opens: 0, errors: [] };
  function follow(url, names, withCredentials = false) {
    source = new EventSource(url, { withCredentials });
    source.onopen = () => { noted.opens += 1; };
    const note = ({ type, data, lastEventId }) => {
      if (data !== undefined) noted.frames.push({ type, data, id: lastEventId });
      else noted.errors.push(source.readyState);
    };
    for (const name of ['message', 'error', ...names]) source.addEventListener(name, note);
  }
  async function append(url, headers) {
    const body = '{"type":"answer"}';
    headers['content-type'] = 'application/json';
    const response = await fetch(url, { method: 'POST', headers, body });
    const { code } = await response.json();
    return [response.status, code ?? response.headers.get('stream-next-offset')];
  }
</script>`;

const answer = { contentType: 'text/html', body: followingPage };

/** A page whose EventSource is Chromium's, and left to itself. */
export class EventSourcePage {
  /** The statuses of the responses that its EventSource got. */
  readonly statuses: number[] = [];

  private constructor(readonly page: Page) {
    page.on('response', (response) => {
      if (response.url().includes('/stream')) this.statuses.push(response.status());
    });
  }

  /**
   * @param url of the feed
   * @param names that it listens to, beside `message` and `error`
   * @param origin of the page, from `pageServer`; by default the service's own
   */
  static async follow(url: string, names: readonly string[] = [], origin?: string) {
    const page = await newPage();
    const address = new URL('/page', origin ?? url).href;
    if (origin === undefined) await page.route(address, (route) => route.fulfill(answer));
    await page.goto(address);
    const follower = new EventSourcePage(page);
    await follower.#follow(url, names);
    return follower;
  }

  /** A page of this origin that follows nothing yet, with no cookies of another one. */
  static async open(origin: string): Promise<EventSourcePage> {
    const page = await newPage();
    await page.goto(new URL('/page', origin).href);
    return new EventSourcePage(page);
  }

  /** Follows another address; what came before is kept. */
  followAgain(url: string): Promise<void> {
    return this.#follow(url);
  }

  followWithCookies(url: string): Promise<void> {
    return this.#follow(url, [], true);
  }

  /** Sets the cookie of a reader's token as the back end does, out of the reach of scripts. */
  setCookie(url: string, token: string): Promise<void> {
    const cookie = { name: 'rejoin_token', value: token, httpOnly: true, sameSite: 'Lax' } as const;
    return this.page.context().addCookies([{ ...cookie, url }]);
  }

  /** Posts as any page can to any address, cookies included. It cannot read the response. */
  postBlindly(url: string): Promise<void> {
    const init = { method: 'POST', mode: 'no-cors', credentials: 'include' };
    return this.page.evaluate(
      `fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then(() => {})`,
    );
  }

  #follow(url: string, names: readonly string[] = [], withCredentials = false): Promise<void> {
    const values = [url, names, withCredentials].map((value) => JSON.stringify(value));
    return this.page.evaluate(`follow(${values.join()})`);
  }

  /** Appends an event by `fetch`. Resolves with the status, and the code or the next offset. */
  append(url: string, headers: Readonly<Record<string, string>>): Promise<[number, string]> {
    return this.page.evaluate(`append(${JSON.stringify(url)}, ${JSON.stringify(headers)})`);
  }

  /** Resolves when it has that many frames, with all that it has noted. */
  async hasFrames(count: number): Promise<Noted> {
    await holds(this.page, `${count} frames`, `noted.frames.length >= ${count}`);
    return this.noted();
  }

  isClosed(): Promise<void> {
    return holds(this.page, 'it is closed', `source.readyState === ${closed}`);
  }

  noted(): Promise<Noted> {
    return this.page.evaluate('({ ...noted, readyState: source.readyState })');
  }
}

import type { Follower, ForeignClient, Received } from '../foreign-client.js';
import {
  type LaunchBrowser,
  launchChromium,
  launchFirefox,
  launchWebKit,
  type Trust,
} from './browsers.js';
import { PageHost, type RemotePage } from './remote-page.js';

/** A browser engine. Its page is opened when it is first needed, and stays until this process ends. */
export class Engine {
  #page: Promise<RemotePage> | null = null;

  constructor(readonly launch: LaunchBrowser) {}

  page(): Promise<RemotePage> {
    this.#page ??= openPage(this.launch).then(({ page }) => page);
    return this.#page;
  }

  /** @param kind one of in-page-clients.js */
  async follow(kind: string, url: string): Promise<Follower> {
    return followIn(await this.page(), kind, url);
  }
}

export const chromium = new Engine(launchChromium);
export const firefox = new Engine(launchFirefox);
export const webKit = new Engine(launchWebKit);

/** The origin of the pages of all engines, to be set as `CORS_ORIGINS`. */
export async function pageOrigin(): Promise<string> {
  return (await PageHost.shared()).origin;
}

/** A page in a browser of its own, which the caller ends. */
export async function openPage(launch: LaunchBrowser, trust?: Trust) {
  const { page, url } = (await PageHost.shared()).newPage();
  const process = await launch(url, trust);
  await page.evaluate('true');
  return { page, process };
}

/** @param kind one of in-page-clients.js */
export async function followIn(page: RemotePage, kind: string, url: string): Promise<Follower> {
  const call = `follow(${JSON.stringify(kind)}, ${JSON.stringify(url)})`;
  const index = await page.evaluate<number>(call);
  const follower = `followers[${index}]`;
  return {
    received: () => page.evaluate<readonly Received[]>(`${follower}.received`),
    isOver: () => page.evaluate<boolean>(`${follower}.isOver()`),
    close: () => page.evaluate<void>(`void ${follower}.close()`),
  };
}

/** @param kind one of in-page-clients.js */
export function clientIn(
  engine: Engine,
  kind: string,
  about: Pick<ForeignClient, 'name' | 'option' | 'limits'>,
): ForeignClient {
  return { ...about, follow: (url) => engine.follow(kind, url) };
}

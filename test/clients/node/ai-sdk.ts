import { setTimeout as sleep } from 'node:timers/promises';
import * as sdk7 from 'ai';
import * as sdk5 from 'ai-5';
import * as sdk6 from 'ai-6';
import { newChat, shownText } from '../../support/chat.js';
import type { AiSdk } from '../../support/ui-messages.js';
import type { Follower, ForeignClient, Received } from '../foreign-client.js';
import { fetchWithTimeout, fiveMinutes } from './silence.js';

/** A chat that resumes until its message is whole, as docs/ai-sdk.md has it. */
class ChatFollower implements Follower {
  readonly #chat: ReturnType<typeof newChat>;
  readonly #feed: URL;
  /** What the message had when the last connection broke, and what those had that it replaced. */
  #before: readonly string[] = [];
  #replaced: readonly string[] = [];
  /** What a back end has stored, where the run ended while the page was away. */
  #stored: readonly string[] | null = null;
  #isOver = false;
  #isClosed = false;
  readonly #following: Promise<void>;

  constructor(sdk: AiSdk, url: string, fetch: typeof globalThis.fetch) {
    this.#feed = new URL(url);
    const { origin, pathname, search } = this.#feed;
    const id = pathname.split('/')[2] as string;
    const reconnectTo = `${origin}/ai-sdk/sessions/${id}/stream${search}`;
    this.#chat = newChat(sdk, { id, origin, reconnectTo, fetch });
    this.#following = this.#follow();
  }

  async #follow(): Promise<void> {
    do {
      if (this.#chat.error !== undefined) await sleep(2000);
      await this.#chat.resumeStream();
      [this.#replaced, this.#before] = this.#handedOver();
    } while (this.#chat.error instanceof TypeError && !this.#isClosed);
    if (this.#chat.error === undefined && !this.#isWhole) this.#stored = await this.#load();
    this.#isOver = true;
  }

  /** What it showed in messages that were replaced by another, and what it shows now. */
  #handedOver(): [readonly string[], readonly string[]] {
    const shown = shownText(this.#chat).match(/<[^<>]*>/g) ?? [];
    const isAnother = this.#before.length > 0 && shown.length > 0 && shown[0] !== this.#before[0];
    return [isAnother ? [...this.#replaced, ...this.#before] : this.#replaced, shown];
  }

  get #isWhole(): boolean {
    const parts = this.#chat.messages.at(-1)?.parts ?? [];
    return parts.some((part) => part.type === 'text' && part.state === 'done');
  }

  /** Null when the stream is deleted. */
  async #load(): Promise<readonly string[] | null> {
    const response = await fetch(String(this.#feed).replace('/stream', '/events'));
    const { events } = (await response.json()) as { events: { content: string }[] };
    return events.length === 0 ? null : events.map(({ content }) => content);
  }

  async received(): Promise<readonly Received[]> {
    const [replaced, shown] = this.#handedOver();
    const end = this.#chat.status === 'ready' && this.#isWhole ? ['<end>'] : [];
    return [...replaced, ...(this.#stored ?? [...shown, ...end])].map((content) => ({
      id: '',
      data: JSON.stringify({ content }),
    }));
  }

  async isOver(): Promise<boolean> {
    return this.#isOver;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#chat.stop();
    await this.#following;
  }
}

const sdks = { 5: sdk5, 6: sdk6, 7: sdk7 };

/** The chat transport of the AI SDK, on the route that is for it. */
export const aiSdks: readonly ForeignClient[] = Object.entries(sdks).flatMap(([major, sdk]) => [
  {
    name: `ai ${major}`,
    option: null,
    limits: { 'black hole': fiveMinutes },
    follow: async (url: string) => new ChatFollower(sdk as unknown as AiSdk, url, fetch),
  },
  {
    name: `ai ${major}`,
    option: '`fetch` with a shorter `bodyTimeout`',
    limits: {},
    follow: async (url: string) =>
      new ChatFollower(sdk as unknown as AiSdk, url, fetchWithTimeout as typeof fetch),
  },
]);

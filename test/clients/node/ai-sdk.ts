import { setTimeout as sleep } from 'node:timers/promises';
import type { UIMessage } from 'ai';
import * as sdk7 from 'ai';
import * as sdk5 from 'ai-5';
import * as sdk6 from 'ai-6';
import { newChat, shownText } from '../../support/chat.js';
import type { AiSdk } from '../../support/ui-messages.js';
import type { Follower, ForeignClient } from '../foreign-client.js';
import { fetchWithTimeout, fiveMinutes } from './silence.js';

/** A chat that resumes until its message is whole, as docs/ai-sdk.md has it. */
function followChat(sdk: unknown, url: string, fetch: typeof globalThis.fetch): Follower {
  const { origin, pathname, search } = new URL(url);
  const sid = pathname.split('/')[2] as string;
  const reconnectTo = `${origin}/ai-sdk/sessions/${sid}/stream${search}`;
  const chat = newChat(sdk as AiSdk, { id: sid, origin, reconnectTo, fetch });
  const shown = () => shownText(chat).match(/<[^<>]*>/g) ?? [];
  /** What the message had when the last connection broke, and what messages had that it replaced. */
  let before: string[] = [];
  let replaced: string[] = [];
  const handedOver = () => {
    const contents = shown();
    const isAnother = contents.length > 0 && before.length > 0 && contents[0] !== before[0];
    return { contents, gone: isAnother ? [...replaced, ...before] : replaced };
  };
  let isOver = false;
  let isClosed = false;
  const following = (async () => {
    while (!isClosed) {
      await chat.resumeStream();
      ({ contents: before, gone: replaced } = handedOver());
      // Else it is whole, or there is none, or another token is needed.
      if (!(chat.error instanceof TypeError)) break;
      await sleep(2000);
    }
    isOver = true;
  })();
  return {
    received: async () => {
      const { contents, gone } = handedOver();
      const end = chat.status === 'ready' && isWhole(chat.messages.at(-1)) ? ['<end>'] : [];
      return [...gone, ...contents, ...end].map((content) => ({
        id: '',
        data: JSON.stringify({ content }),
      }));
    },
    isOver: async () => isOver,
    close: async () => {
      isClosed = true;
      await chat.stop();
      await following;
    },
  };
}

function isWhole(message: UIMessage | undefined): boolean {
  return message?.parts.some((part) => part.type === 'text' && part.state === 'done') ?? false;
}

const sdks = { 5: sdk5, 6: sdk6, 7: sdk7 };

/** The chat transport of the AI SDK, on the route that is for it. */
export const aiSdks: readonly ForeignClient[] = Object.entries(sdks).flatMap(([major, sdk]) => [
  {
    name: `ai ${major}`,
    option: null,
    limits: { 'black hole': fiveMinutes },
    follow: async (url: string) => followChat(sdk, url, fetch),
  },
  {
    name: `ai ${major}`,
    option: '`fetch` with a shorter `bodyTimeout`',
    limits: {},
    follow: async (url: string) => followChat(sdk, url, fetchWithTimeout as typeof fetch),
  },
]);

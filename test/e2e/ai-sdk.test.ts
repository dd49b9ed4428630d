import type { UIMessage } from 'ai';
import { describe, expect, it } from 'vitest';
import type { Agent } from '../../examples/ai-sdk/chat-backend.js';
import { loadMessages, newChat, shownText, startBackend } from '../support/chat.js';
import { freePort } from '../support/free-port.js';
import { isReady, onRedis, startRedis, startService } from '../support/test-processes.js';
import { majors } from '../support/ui-messages.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, post } from '../support/worker.js';

const words = Array.from({ length: 200 }, (_, index) => `${index} `);
const whole = words.join('');

/** Answers with many words, of which the last ones wait until the test says so. */
function wordsUntil(opened: Promise<void>): Agent {
  return async (worker) => {
    for (const [index, content] of words.entries()) {
      if (index === 100) await opened;
      await worker.append({ type: 'answer', id: 'a', content });
    }
    await worker.append({ type: 'complete', done: true });
  };
}

const half = words.slice(0, 100).join('');

describe('Chats of each major of the AI SDK', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'notice that their node went down with %s in the middle of a message, and resume at the next one',
    async (signal) => {
      const redis = await startRedis();
      const settings = onRedis(redis, { PORT: String(await freePort()) });
      const before = await startService(settings);
      await isReady(before);
      let goOn = () => {};
      const agent = wordsUntil(new Promise((resolve) => (goOn = resolve)));
      const origin = await startBackend(before.url, agent);
      const chats = majors.map(({ sdk }, index) => newChat(sdk, { id: `c${index}`, origin }));
      const sending = chats.map((chat) => chat.sendMessage({ text: 'Count.' }));
      await waitFor('half of the answer', () => chats.every((chat) => shownText(chat) === half));
      before.signal(signal);
      await Promise.all(sending);
      for (const chat of chats) {
        expect([chat.status, shownText(chat)]).toEqual(['error', half]);
        expect(chat.error).toBeInstanceOf(TypeError);
      }

      await before.exit();
      const after = await startService(settings);
      await isReady(after);
      const resuming = chats.map((chat) => chat.resumeStream());
      await waitFor('they are open again', () =>
        chats.every(({ status }) => status === 'streaming'),
      );
      goOn();
      await Promise.all(resuming);
      for (const chat of chats) {
        expect([chat.status, shownText(chat)]).toEqual(['ready', whole]);
        expect(chat.messages.map(({ role }) => role)).toEqual(['user', 'assistant']);
        await waitFor('it is kept', async () => (await loadMessages(origin, chat.id)).length === 2);
      }
    },
  );
});

/** Asks whether it may act, and says what the reply was. */
const asking: Agent = async (worker) => {
  const call = { tool_call_id: 'mail', tool_name: 'send_mail' };
  await worker.append({ type: 'tool_call', data: call });
  await worker.append({ type: 'tool_approval_required', data: { ...call, approval_id: 'a1' } });
  const { data } = await worker.waitForReply('a1');
  const content = data?.approved ? 'approved' : 'denied';
  await worker.append({ type: 'tool_result', content, data: call });
  await worker.append({ type: 'complete', done: true });
};

describe.each(['memory', 'redis'])('Approvals of the AI SDK example on %s', (backend) => {
  it.each(majors.filter(({ name }) => name !== 'ai 5'))(
    'are asked again when the chat resumes, and the first reply counts ($name)',
    async ({ sdk }) => {
      const service = await startService(backend === 'redis' ? onRedis(await startRedis()) : {});
      await isReady(service);
      const origin = await startBackend(service.url, asking);
      const first = newChat(sdk, { id: 'c', origin });
      const sending = first.sendMessage({ text: 'Send it.' });
      await waitFor('the question', () => callOf(first)?.state === 'approval-requested');
      const resumed = newChat(sdk, { id: 'c', origin, messages: await loadMessages(origin, 'c') });
      const resuming = resumed.resumeStream();
      await waitFor('the question again', () => callOf(resumed)?.state === 'approval-requested');

      const messageId = resumed.messages.at(-1)?.id;
      const reply = (approved: boolean) =>
        fetch(`${origin}/api/chat/c/approval`, {
          method: 'POST',
          body: JSON.stringify({ messageId, approvalId: 'a1', approved }),
        });
      expect((await reply(true)).status).toBe(200);
      expect((await reply(true)).status).toBe(200);
      await expect(reply(false)).rejects.toThrow(TypeError);
      await Promise.all([sending, resuming]);
      for (const chat of [first, resumed]) {
        expect(chat.status).toBe('ready');
        expect(callOf(chat)).toMatchObject({ state: 'output-available', output: 'approved' });
      }
    },
  );
});

function callOf({ messages }: { readonly messages: readonly UIMessage[] }) {
  return messages.at(-1)?.parts.find((part) => part.type === 'dynamic-tool');
}

describe('GET /ai-sdk/sessions/:sid/stream', () => {
  it('responds 503 with Retry-After while Redis is down, and works afterwards', async () => {
    const redis = await startRedis();
    const service = await startService(onRedis(redis));
    await isReady(service);
    await post(eventsUrl(service.url), { type: 'answer' });
    const url = `${service.url}/ai-sdk/sessions/s1/stream`;
    await redis.kill();
    const away = await fetch(url);
    expect([away.status, away.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await away.json()).toMatchObject({ code: 'backend_unavailable' });
    await redis.start();
    await isReady(service);
    expect((await fetch(url)).status).toBe(204); // this Redis has kept nothing
  });
});

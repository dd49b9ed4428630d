import { expect, it, onTestFinished } from 'vitest';
import type { Agent } from '../../examples/ai-sdk/chat-backend.js';
import { type AppSource, describeApp } from '../support/app-suite.js';
import {
  type ChatOptions,
  loadMessages,
  newChat,
  shownText,
  startBackend,
} from '../support/chat.js';
import { type FeedClient, openFeed } from '../support/feed-client.js';
import { growth, scrape } from '../support/scrape.js';
import { startApp } from '../support/test-app.js';
import { majors, strictFaults } from '../support/ui-messages.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, post } from '../support/worker.js';

const sdkOfNow = (majors[0] as (typeof majors)[number]).sdk;

let count = 0;

/** A session of its own: what the AI SDK calls a chat. */
class Session {
  readonly id: string;

  constructor(readonly source: AppSource) {
    count += 1;
    this.id = `chat-${process.pid}-${count}`;
  }

  get url(): string {
    return `${this.source.app.url}/ai-sdk/sessions/${this.id}/stream`;
  }

  async append(mid: string, ...events: object[]) {
    const { status } = await post(eventsUrl(this.source.app.url, this.id, mid), events);
    expect(status).toBe(201);
  }

  async feed(): Promise<FeedClient> {
    const feed = await openFeed(this.url);
    onTestFinished(() => feed.drop());
    return feed;
  }

  answer(mid: string, content: string) {
    return this.append(mid, { type: 'answer', content });
  }
}

const chunksOf = (feed: FeedClient) =>
  feed.data.filter((data) => data !== '[DONE]').map((data) => JSON.parse(data));

const start = (messageId: string) => ({ type: 'start', messageId });

describeApp('The back end of the AI SDK example', {}, (source) => {
  it('keeps the whole of a message that has more events than one page of a read', async () => {
    const count = 1200;
    const agent: Agent = async (worker) => {
      for (let index = 0; index < count; index += 1) {
        await worker.append({ type: 'answer', id: 'a', content: `${index} ` });
      }
      await worker.append({ type: 'complete', done: true });
    };
    const origin = await startBackend(source.app.url, agent);
    const id = `long-${source.backend}-${process.pid}`;
    const chat = newChat(sdkOfNow, { id, origin });
    await chat.sendMessage({ text: 'Count.' });
    await waitFor('it is kept', async () => (await loadMessages(origin, id)).length === 2);
    const [, kept] = await loadMessages(origin, id);
    expect(shownText({ messages: kept === undefined ? [] : [kept] })).toBe(shownText(chat));
    expect(shownText(chat).split(' ')).toHaveLength(count + 1);
  });
});

describeApp('GET /ai-sdk/sessions/:sid/stream', { feed: { heartbeatMs: 100 } }, (source) => {
  it('follows the newest unfinished message of the session, from its start, under the id of the message', async () => {
    const session = new Session(source);
    await session.append('old', { type: 'answer', content: 'open, but older' });
    await session.append('new', { type: 'answer', content: 'Cats ' });
    await session.append('ended', { type: 'answer' }, { type: 'complete' });
    const feed = await session.feed();
    await feed.frameCount(3);
    await session.append('new', { type: 'answer', content: 'sleep.' }, { type: 'complete' });
    await feed.end();
    expect(chunksOf(feed)).toEqual([
      start('new'),
      { type: 'text-start', id: 'part-1' },
      { type: 'text-delta', id: 'part-1', delta: 'Cats ' },
      { type: 'text-delta', id: 'part-1', delta: 'sleep.' },
      { type: 'text-end', id: 'part-1' },
      { type: 'finish' },
    ]);
    expect(strictFaults(chunksOf(feed))).toEqual([]);
    expect(feed.data.at(-1)).toBe('[DONE]');
    const next = await session.feed();
    await next.frameCount(1);
    expect(chunksOf(next)[0]).toEqual(start('old'));
  });

  it('has the headers of the AI SDK, and nothing but data and comments', async () => {
    const session = new Session(source);
    await session.answer('m', 'x');
    const feed = await session.feed();
    await waitFor('a heartbeat', () => feed.comments.includes('heartbeat'));
    expect(feed.response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-store, no-transform',
      'x-accel-buffering': 'no',
      'x-vercel-ai-ui-message-stream': 'v1',
    });
    const lines = feed.raw.split('\n').filter((line) => line !== '');
    expect(lines.filter((line) => !/^(data: \{|: )/.test(line))).toEqual([]);
    const head = await fetch(session.url, { method: 'HEAD' });
    expect(head.headers.get('content-type')).toBe('text/event-stream');
    expect(head.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1');
  });

  it('responds 204 when nothing runs: for no session, a finished, a stopped and a deleted stream', async () => {
    const session = new Session(source);
    const status = async () => (await fetch(session.url)).status;
    expect(await status()).toBe(204);
    await session.append('m1', { type: 'complete' });
    await session.append('m2', { type: 'stop' });
    expect(await status()).toBe(204);
    await session.answer('m3', 'x');
    const message = eventsUrl(source.app.url, session.id, 'm3').replace(/\/events$/, '');
    await fetch(message, { method: 'DELETE' });
    expect(await status()).toBe(204);
  });

  it('breaks off when its stream is deleted, with a log line and a metric', async () => {
    const session = new Session(source);
    await session.answer('m', 'x');
    const before = await scrape(source.app.url);
    const feed = await session.feed();
    await feed.frameCount(3);
    const message = eventsUrl(source.app.url, session.id, 'm').replace(/\/events$/, '');
    await fetch(message, { method: 'DELETE' });
    await feed.end();
    expect(feed.response.complete).toBe(false);
    expect(await growth(source.app.url, before)).toMatchObject({
      'rejoin_feeds_opened_total{start="start"}': 1,
      'rejoin_feeds_closed_total{reason="reset"}': 1,
      'rejoin_feed_resets_total{reason="deleted"}': 1,
    });
  });

  it('sends nothing of approvals to version 5, which has none', async () => {
    const session = new Session(source);
    await session.append('m', { type: 'tool_approval_required', id: 'q' });
    const typesOf = async (query: string) => {
      const feed = await openFeed(`${session.url}${query}`);
      onTestFinished(() => feed.drop());
      await waitFor('the question', () => feed.raw.includes('approval'));
      return chunksOf(feed).map(({ type }) => type);
    };
    expect(await typesOf('?version=5')).toEqual(['start', 'data-tool_approval_required']);
    for (const query of ['', '?version=6', '?version=7']) {
      const asked = ['start', 'tool-input-available', 'tool-approval-request'];
      expect(await typesOf(query)).toEqual(asked);
    }
    expect((await fetch(`${session.url}?version=4`)).status).toBe(400);
  });

  it('rejects invalid ids and other methods', async () => {
    expect((await fetch(`${source.app.url}/ai-sdk/sessions/a:b/stream`)).status).toBe(400);
    expect((await fetch(new Session(source).url, { method: 'POST' })).status).toBe(405);
  });
});

/** An agent that goes on when the test says so. */
class Gate {
  #open: () => void = () => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });

  open(): void {
    this.#open();
  }

  readonly agent: Agent = async (worker, question) => {
    await worker.append({ type: 'thinking', id: 't', content: 'Hm.', done: true });
    const call = { tool_name: 'search', arguments: { question } };
    await worker.append({ type: 'tool_call', id: 'c', data: call });
    await worker.append({ type: 'tool_result', id: 'c', content: 'They sleep.' });
    await worker.append({ type: 'answer', id: 'a', content: 'Cats ' });
    await this.#opened;
    await worker.append({ type: 'answer', id: 'a', content: 'sleep.', done: true });
    await worker.append({ type: 'complete', done: true });
  };
}

const question = { text: 'What do cats do?' };

describeApp('A chat of the AI SDK', {}, (source) => {
  for (const { name, sdk } of majors) {
    it(`(${name}) shows a run as it goes on, and resumes it after a reload`, async () => {
      const gate = new Gate();
      const origin = await startBackend(source.app.url, gate.agent);
      const { id } = new Session(source);
      const first = newChat(sdk, { id, origin });
      const sending = first.sendMessage(question);
      await waitFor('a part of the answer', () => shownText(first) === 'Cats ');
      expect(first.status).toBe('streaming');
      const messageId = first.messages.at(-1)?.id;
      await first.stop(); // as a page does that goes: the run goes on
      await sending;

      const stored = await loadMessages(origin, id);
      expect(stored.map(({ role }) => role)).toEqual(['user']);
      const second = newChat(sdk, { id, origin, messages: stored });
      const resuming = second.resumeStream();
      await waitFor('the same part', () => shownText(second) === 'Cats ');
      gate.open();
      await resuming;
      expect([second.status, second.error]).toEqual(['ready', undefined]);
      expect(second.messages.map(({ role }) => role)).toEqual(['user', 'assistant']);
      expect(second.messages.at(-1)).toMatchObject({ id: messageId });
      expect(second.messages.at(-1)?.parts.slice(1)).toMatchObject([
        { type: 'reasoning', text: 'Hm.' },
        { type: 'dynamic-tool', toolName: 'search', output: 'They sleep.' },
        { type: 'text', text: 'Cats sleep.', state: 'done' },
      ]);

      await waitFor('it is kept', async () => (await loadMessages(origin, id)).length === 2);
      const third = newChat(sdk, { id, origin, messages: await loadMessages(origin, id) });
      await third.resumeStream();
      expect([third.status, shownText(third)]).toEqual(['ready', 'Cats sleep.']);
    });

    it(`(${name}) ends for all followers when somebody stops it`, async () => {
      const origin = await startBackend(source.app.url, new Gate().agent);
      const { id, url } = new Session(source);
      const one = newChat(sdk, { id, origin });
      const sending = one.sendMessage(question);
      await waitFor('a part of the answer', () => shownText(one) === 'Cats ');
      const other = newChat(sdk, { id, origin, reconnectTo: url });
      const resuming = other.resumeStream();
      await waitFor('a part of the answer', () => shownText(other) === 'Cats ');
      await fetch(`${origin}/api/chat/${id}/stop`, {
        method: 'POST',
        body: JSON.stringify({ messageId: one.lastMessage?.id }),
      });
      await Promise.all([sending, resuming]);
      for (const chat of [one, other]) {
        expect([chat.status, chat.error, shownText(chat)]).toEqual(['ready', undefined, 'Cats ']);
        expect(chat.lastMessage?.parts.at(-1)).toMatchObject({ state: 'done' });
      }
    });

    it(`(${name}) shows why a run failed`, async () => {
      const session = new Session(source);
      await session.answer('m', 'Cats ');
      const chat = newChat(sdk, { id: session.id, origin: '', reconnectTo: session.url });
      const resuming = chat.resumeStream();
      await waitFor('a part of the answer', () => shownText(chat) === 'Cats ');
      await session.append('m', { type: 'error', content: 'no money', done: true });
      await resuming;
      expect([chat.status, chat.error?.message]).toEqual(['error', 'no money']);
      expect(shownText(chat)).toBe('Cats ');
    });

    it(`(${name}) continues after a question, in the format of its version`, async () => {
      const session = new Session(source);
      const question = { type: 'tool_approval_required', id: 'q', data: { tool_name: 'pay' } };
      await session.append('m', question, { type: 'answer', content: 'Paid.' });
      const reconnectTo = `${session.url}?version=${name.slice(-1)}`;
      const chat = newChat(sdk, { id: session.id, origin: '', reconnectTo });
      const resuming = chat.resumeStream();
      await waitFor('the response', () => shownText(chat) === 'Paid.');
      await session.append('m', { type: 'complete' });
      await resuming;
      expect([chat.status, chat.error]).toEqual(['ready', undefined]);
      expect(JSON.stringify(chat.lastMessage?.parts[0])).toContain('approval');
    });

    it(`(${name}) shows nothing when nothing runs`, async () => {
      const session = new Session(source);
      const chat = newChat(sdk, { id: session.id, origin: '', reconnectTo: session.url });
      await chat.resumeStream();
      expect([chat.status, chat.messages]).toEqual(['ready', []]);
    });
  }
});

/** Long enough to get to what there is, on a machine that stands still for a while. */
const aged = { feed: { maxAgeMs: 3000 }, isConcurrent: true };

describeApp('A chat of the AI SDK whose feed ends before its run', aged, (source) => {
  for (const { name, sdk } of majors) {
    it(`(${name}) notices that the feed was cut, and resumes without a repeat`, async ({
      onTestFinished,
    }) => {
      const session = new Session(source);
      await session.answer('m', 'Cats ');
      const options: ChatOptions = { id: session.id, origin: '', reconnectTo: session.url };
      const chat = newChat(sdk, options);
      await chat.resumeStream();
      expect([chat.status, shownText(chat)]).toEqual(['error', 'Cats ']);
      expect(chat.error).toBeInstanceOf(TypeError); // a broken connection, for the SDK
      // At a node whose feeds are not cut before a busy machine has got to the rest.
      const patient = await startApp(source.streams, { streamManager: { type: source.backend } });
      onTestFinished(() => patient.close());
      options.reconnectTo = session.url.replace(source.app.url, patient.url);
      const resuming = chat.resumeStream();
      await waitFor('it is open again', () => chat.status === 'streaming');
      await session.append('m', { type: 'answer', content: 'sleep.' }, { type: 'complete' });
      await resuming;
      expect([chat.status, shownText(chat)]).toEqual(['ready', 'Cats sleep.']);
      expect(chat.messages).toHaveLength(1);
    });
  }
});

const fewFeeds = { feed: { maxFeeds: 3 } };
describeApp('A chat of the AI SDK at a node with few feeds', fewFeeds, (source) => {
  it('gets 503 when too many feeds are open, and is cut when the node drains', async () => {
    const session = new Session(source);
    await session.answer('m', 'x');
    const before = await scrape(source.app.url);
    const feeds = [await session.feed(), await session.feed(), await session.feed()];
    const rejected = await fetch(session.url);
    expect([rejected.status, rejected.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await rejected.json()).toMatchObject({ code: 'too_many_feeds' });
    await source.app.app.drain(0);
    for (const feed of feeds) await feed.end();
    expect(feeds.map(({ response }) => response.complete)).toEqual([false, false, false]);
    const drained = await fetch(session.url);
    expect([drained.status, drained.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await drained.json()).toMatchObject({ code: 'draining' });
    expect(await growth(source.app.url, before)).toMatchObject({
      'rejoin_feeds_rejected_total{reason="too_many_feeds"}': 1,
      'rejoin_feeds_rejected_total{reason="draining"}': 1,
    });
  });
});

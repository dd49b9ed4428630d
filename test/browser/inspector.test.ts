import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatApiKey } from '../../src/auth/api-keys.js';
import { makeKey } from '../support/keys.js';
import { sharedService } from '../support/shared-service.js';
import { startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, post } from '../support/worker.js';
import { connectionFaults, FaultyProxy } from './connection-faults.js';
import { InspectorPage } from './inspector-page.js';

/** What is stored of the stream that the page has open, as text. */
async function storedOf(base: string, { stream }: InspectorPage): Promise<string[]> {
  const response = await fetch(eventsUrl(base, stream.sid, stream.mid));
  const { events } = (await response.json()) as { events: object[] };
  return events.map((event) => JSON.stringify(event));
}

describe('The inspector', () => {
  const service = sharedService(() => ({
    HOST: '127.0.0.1',
    FEED_LINGER: '300ms',
    FEED_HEARTBEAT: '1s',
  }));

  it('runs a sample, and shows no gap and no repeat after a cut and a resume', async () => {
    const inspector = await InspectorPage.open(service.url);
    await inspector.click('Sample run');
    for (const count of [20, 70]) {
      await inspector.hasFrames(count);
      await inspector.click('Cut connection');
      const { length: sent } = await storedOf(service.url, inspector);
      await waitFor('more is stored', async () => {
        return (await storedOf(service.url, inspector)).length > sent + 10;
      });
      expect((await inspector.frames).length).toBeLessThanOrEqual(sent);
      expect(await inspector.state).toBe('Cut off');
      await inspector.click('Resume');
    }
    await inspector.click('Approve');
    await inspector.says(/^All \d+ events came, each once and in order\.$/);

    const stored = await storedOf(service.url, inspector);
    const frames = await inspector.frames;
    expect(frames.map(({ data }) => data)).toEqual(stored);
    expect(frames.map(({ id }) => Number(id.split('-')[0]))).toEqual(
      stored.map((_, index) => index + 1),
    );
    const answer = stored.map((text) => JSON.parse(text)).filter(({ type }) => type === 'answer');
    expect(await inspector.answer()).toBe(answer.map(({ content }) => content).join(''));
    expect(await inspector.page.locator('.seam').count()).toBeGreaterThanOrEqual(2);
    expect(inspector.complaints).toEqual([]);
  });

  it.each(connectionFaults)(
    'reconnects after a connection that %s, and shows that',
    async (name, inject) => {
      const proxy = await FaultyProxy.start(service.url);
      const url = eventsUrl(service.url, service.sid);
      const answer = (content: string) => ({ type: 'answer', content });
      await post(url, [answer('a'), answer('b')]);
      const inspector = await InspectorPage.open(proxy.url, `?sid=${service.sid}&mid=m1`);
      await inspector.hasFrames(2);
      const isMet = inject(proxy, inspector.page);
      await post(url, answer('c'));
      await isMet;
      await inspector.hasSaid(sayings[name]);
      await inspector.hasFrames(3);
      await post(url, [answer('d'), { type: 'complete' }]);
      await inspector.says(/^All 5 events came, each once and in order\.$/);
      const ids = (await inspector.frames).map(({ id }) => Number.parseInt(id, 10));
      expect(ids).toEqual([1, 2, 3, 4, 5]);
    },
  );

  it('shows a thought while it grows, and folds it when something else comes', async () => {
    const url = eventsUrl(service.url, service.sid);
    await post(url, { type: 'thinking', id: 't', content: 'Let me see.' });
    const { page } = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`);
    await page.locator('.thinking').getByText('Let me see.').waitFor();
    expect(await page.getByText('Thinking…').isVisible()).toBe(true);
    await post(url, { type: 'answer', id: 'a', content: 'Yes.' });
    await page.getByText('Thought for').waitFor();
    expect(await page.locator('.thinking').getByText('Let me see.').isVisible()).toBe(false);
  });

  it('shows nothing as going on after the end of a stream whose events never say done', async () => {
    await post(eventsUrl(service.url, service.sid), [
      { type: 'tool_call', data: { tool_call_id: 'c', tool_name: 'search' } },
      { type: 'thinking', id: 't', content: 'Hm.' },
      { type: 'complete' },
    ]);
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`);
    await inspector.says(/^All 3 events came/);
    expect(await inspector.page.locator('.growing').count()).toBe(0);
    await inspector.page.locator('.tool').getByText('no result').waitFor();
  });

  it('shows events of an unknown type as one row, and the text of AI SDK chunks as an answer', async () => {
    const delta = (text: string) => ({
      type: 'ui_message_chunk',
      data: { type: 'text-delta', id: '0', delta: text },
    });
    await post(eventsUrl(service.url, service.sid), [
      ...[1, 2, 3].map((step) => ({ type: 'progress', data: { step } })),
      delta('Some '),
      delta('words.'),
      { type: 'complete' },
    ]);
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`);
    await inspector.says(/^All 6 events came/);
    expect(await inspector.page.locator('.other').allInnerTexts()).toEqual(['progress × 3']);
    expect(await inspector.answer()).toBe('Some words.');
  });

  it('shows Markdown as it is meant, and keeps every character of it', async () => {
    const content =
      '## Title\n\nSome **bold *and* more**, `a*b*`, [a link](https://a.example).\n\n- one\n```js\n**x**\n```\n2 * 3 * 4';
    const chunks = content.match(/.{1,3}/gs) as string[];
    const events = chunks.map((chunk) => ({ type: 'answer', id: 'a', content: chunk }));
    await post(eventsUrl(service.url, service.sid), [...events, { type: 'complete' }]);
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`);
    await inspector.says(/^All \d+ events came/);
    expect(await inspector.answer()).toBe(content);
    const shown = await inspector.page.locator('.answer').innerText();
    expect(shown.split(/\n+/)).toEqual([
      'Title',
      'Some bold and more, a*b*, a link(https://a.example).',
      '- one',
      '**x**',
      '2 * 3 * 4',
    ]);
    expect(await inspector.page.locator('.answer strong').innerText()).toBe('bold and more');
  });

  it('says that a stream does not exist, until its first event comes', async () => {
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`);
    await inspector.says(/^No events yet: this stream does not exist \(or has expired\)/);
    await post(eventsUrl(service.url, service.sid), { type: 'answer', content: 'one' });
    await inspector.says(/^Connected$/);
  });

  it('leads through the sample run with one primary button and the steps that are done', async () => {
    const inspector = await InspectorPage.open(service.url);
    const { page } = inspector;
    const primary = () => page.locator('button.primary').allInnerTexts();
    const current = () => page.locator('#steps [aria-current] b').allInnerTexts();
    for (const name of ['Sample run', 'Cut connection', 'Resume']) {
      await waitFor(`${name} is next`, async () => (await primary()).join() === name);
      expect(await current()).toEqual([name]);
      await inspector.click(name);
      await inspector.hasFrames(10);
    }
    expect(await page.locator('#steps .done').count()).toBe(3);
    await inspector.click('Stop');
    await waitFor(
      'a new sample run is next',
      async () => (await primary()).join() === 'Sample run',
    );
  });

  it('shows thoughts folded, tools with their results, and the title of the stream', async () => {
    await post(eventsUrl(service.url, service.sid), [
      { type: 'thinking', id: 't', content: 'Let me ', timestamp: '2026-01-01T12:00:00Z' },
      { type: 'thinking', id: 't', content: 'see.', done: true, timestamp: '2026-01-01T12:00:02Z' },
      { type: 'tool_call', data: { tool_call_id: 'c', tool_name: 'search', arguments: { q: 1 } } },
      { type: 'tool_result', content: '3 pages', data: { tool_call_id: 'c', success: true } },
      { type: 'references', data: { references: [{ title: 'A page', url: 'https://a.example' }] } },
      { type: 'error', content: 'one page was away' },
      { type: 'complete' },
      { type: 'session_title', content: 'Pages' },
    ]);
    const { page } = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`);
    await page.getByRole('heading', { name: 'Pages' }).waitFor();
    const thought = page.getByText('Let me see.');
    expect(await thought.isVisible()).toBe(false);
    await page.getByText('Thought for 2.0 s').click();
    expect(await thought.isVisible()).toBe(true);
    const tool = page.locator('.tool');
    expect(await tool.count()).toBe(1);
    for (const text of ['search', '3 pages', 'done']) await tool.getByText(text).first().waitFor();
    await page.getByText('1 reference').click();
    expect(await page.locator('.references').getByText('A page').isVisible()).toBe(true);
    expect(await page.locator('.error').innerText()).toBe('one page was away');
    expect(await page.locator('#badge').innerText()).toBe('complete');
  });

  it('shows when the feed brought something else than what is stored', async () => {
    await post(eventsUrl(service.url, service.sid), [
      { type: 'answer' },
      { type: 'answer' },
      { type: 'complete' },
    ]);
    let isFirst = true;
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`, {
      prepare: (page) =>
        page.route('**/m1/stream?**', (route) => {
          const body = 'retry: 10\n\nid: 3-00000000\ndata: {"type":"complete"}\n\n';
          const status = isFirst ? 200 : 204;
          isFirst = false;
          return route.fulfill({ status, contentType: 'text/event-stream', body });
        }),
    });
    await inspector.says(/brought 1 events, the service has 3: they differ/);
  });

  it('stops a stream, whose worker then ends', async () => {
    const inspector = await InspectorPage.open(service.url);
    await inspector.click('Sample run');
    await inspector.hasFrames(5);
    await inspector.click('Stop');
    await inspector.says(/^All \d+ events came/);
    const stored = await storedOf(service.url, inspector);
    expect(JSON.parse(stored.at(-1) as string)).toMatchObject({ type: 'stop' });
    expect(await inspector.page.locator('#badge').innerText()).toBe('stopped');
    const isAppend = ({ url }: { url: string }) => url.endsWith('/events');
    expect(inspector.requests.filter(isAppend).length).toBeLessThan(stored.length + 5);
    expect(await inspector.page.locator('#fault').isVisible()).toBe(false);
  });

  it('replays at each speed', async () => {
    const times = ['00.000', '00.400', '01.200'];
    await post(
      eventsUrl(service.url, service.sid),
      times.map((time) => ({ type: 'answer', timestamp: `2026-01-01T12:00:${time}Z` })),
    );
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`, {
      prepare: (page) => page.clock.install(),
    });
    await inspector.hasFrames(3);
    const { clock } = inspector.page;
    await clock.pauseAt(Date.now() + 3_600_000);
    const shownAfter = async (ms: number) => {
      await clock.runFor(ms);
      return (await inspector.frames).length;
    };
    const speeds = { 1: 1200, 2: 600, 10: 120, 0: 0 };
    for (const [speed, tookMs] of Object.entries(speeds)) {
      await inspector.page.getByLabel('Replay speed').selectOption(speed);
      await inspector.click('Replay');
      const shown = [await shownAfter(Math.max(0.2 * tookMs, 20))];
      shown.push(await shownAfter(0.6 * tookMs), await shownAfter(0.3 * tookMs + 20));
      expect(shown, `at the speed ${speed}`).toEqual(tookMs === 0 ? [3, 3, 3] : [1, 2, 3]);
    }
  });

  it('can be used with the keyboard alone', async () => {
    const inspector = await InspectorPage.open(service.url);
    const { keyboard } = inspector.page;
    const focused = () =>
      inspector.page.evaluate<string>(
        'document.activeElement.textContent.trim() || document.activeElement.id || document.activeElement.value',
      );
    const tabTo = async (name: string) => {
      for (let count = 0; (await focused()) !== name; count += 1) {
        if (count === 25) throw new Error(`${name} cannot be reached`);
        await keyboard.press('Tab');
      }
    };
    await keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the stream');
    await keyboard.press('Enter');
    await tabTo('Sample run');
    await keyboard.press('Enter');
    await inspector.hasFrames(10);
    await tabTo('Cut connection');
    await keyboard.press('Space');
    expect(await inspector.state).toBe('Cut off');
    await tabTo('Resume');
    await keyboard.press('Space');
    await inspector.says(/^Connected/);
    await inspector.hasFrames(45);
    await tabTo('conversation');
    await keyboard.press('ArrowRight');
    expect(await inspector.page.locator('#frames').isVisible()).toBe(true);
    await keyboard.press('ArrowLeft');
    await inspector.page.getByText('Thought for').first().waitFor();
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    expect(await inspector.page.getByText('They want to know').isVisible()).toBe(true);
  });

  it('lists the streams of the session with their current status, and opens them', async () => {
    await post(eventsUrl(service.url, service.sid, 'm1'), { type: 'answer', content: 'one' });
    await post(eventsUrl(service.url, service.sid, 'm2'), { type: 'answer', content: 'two' });
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`);
    const rows = inspector.page.locator('#streams li');
    await waitFor('two streams', async () => (await rows.count()) === 2);
    await post(eventsUrl(service.url, service.sid, 'm2'), { type: 'complete' });
    await rows.filter({ hasText: 'm2' }).getByText('complete').waitFor();
    await rows.filter({ hasText: 'm2' }).getByRole('button').click();
    await inspector.says(/^All 2 events came/);
    expect(inspector.stream).toEqual({ sid: service.sid, mid: 'm2' });
    expect(await inspector.answer()).toBe('two');
  });

  it('shows that a stream was lost, and the one that came after it', async () => {
    await post(eventsUrl(service.url, service.sid), [
      { type: 'answer', content: 'old' },
      { type: 'answer' },
    ]);
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`);
    await inspector.hasFrames(2);
    const url = `${service.url}/sessions/${service.sid}/messages/m1`;
    await fetch(url, { method: 'DELETE' });
    await inspector.page.getByText('The stream is another one now (deleted)').waitFor();
    expect(await inspector.answer()).toBe('');
  });

  it('keeps a key and a token out of its address, and puts only the token into that of a feed', async () => {
    const key = makeKey('append', 'read', 'admin');
    const keys = { AUTH_API_KEYS: formatApiKey(key.key) };
    const closed = await startService(keys);
    const inspector = await InspectorPage.open(closed.url);
    const { page } = inspector;
    await page.getByText('The list needs a key or a token.').waitFor();
    await inspector.click('Sample run');
    await page.getByRole('alert').getByText('unauthorized').waitFor();
    await page.locator('#credentials input:focus').waitFor();
    await page.getByLabel('API key').fill(key.token);
    await inspector.click('Sample run');
    await inspector.says(/needs a reader token/);
    await page.getByLabel('Reader token').fill('a.reader.token');
    await inspector.click('Sample run');
    const isFeed = ({ url }: { url: string }) => url.includes('token=');
    await waitFor('a feed with the token', () => inspector.requests.some(isFeed));
    for (const { url } of inspector.requests) expect(url).not.toContain(key.token);
    for (const { url } of inspector.requests.filter(isFeed)) expect(url).toContain('/stream?');
    const appends = inspector.requests.filter(({ url }) => url.endsWith('/events'));
    expect(appends.at(-1)?.headers.authorization).toBe(`Bearer ${key.token}`);
    expect(page.url()).toMatch(/\?sid=demo&mid=sample-\w+$/);
    await page.reload();
    await page.getByText('Key and token').click();
    expect(await page.getByLabel('API key').inputValue()).toBe(key.token);
    expect(await page.evaluate('document.cookie + localStorage.length')).toBe('0');
  });

  it('works below a path of a proxy', async () => {
    const inspector = await InspectorPage.open(await proxyBelowPath(service.url));
    await inspector.click('Sample run');
    await inspector.hasFrames(10);
    await inspector.click('Stop');
    await inspector.says(/^All \d+ events came/);
    expect(
      inspector.requests.every(({ url }) => new URL(url).pathname.startsWith('/agents/')),
    ).toBe(true);
  });

  it('stays responsive while 3000 chunks arrive', async () => {
    const chunk = { id: 'a', type: 'answer', content: 'some words more ' };
    for (let count = 0; count < 3; count += 1) {
      await post(
        eventsUrl(service.url, service.sid),
        Array.from({ length: 1000 }, () => chunk),
      );
    }
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`, {
      prepare: (page) =>
        page.addInitScript(`
          longestTaskMs = 0;
          new PerformanceObserver((list) => {
            for (const { duration } of list.getEntries()) longestTaskMs = Math.max(longestTaskMs, duration);
          }).observe({ type: 'longtask', buffered: true });`),
    });
    await inspector.hasFrames(3000);
    await inspector.choose('Frames');
    await inspector.choose('Conversation');
    expect((await inspector.answer()).length).toBe(3000 * chunk.content.length);
    const longestMs = await inspector.page.evaluate<number>('longestTaskMs');
    const usualMs = await inspector.page.evaluate<number>(taskOfSomeTenMs);
    expect(longestMs).toBeLessThan(Math.max(500, 50 * usualMs)); // where others use the cores too
  });
});

/** What the inspector says of each fault. */
const sayings = {
  'is half-open': /^Nothing came for 2 s: opening another connection$/,
  'is cut, and then gets 502': /^A proxy answers 502: trying again in \d s$/,
  'is cut, and then finds no listener': /^Connection lost: the browser reconnects automatically$/,
};

/** How long the page needs for this now: the longest of some times. */
const taskOfSomeTenMs = `
  Math.max(...Array.from({ length: 5 }, () => {
    const begunAt = performance.now();
    for (let sum = 0, count = 0; count < 1e7; count += 1) sum += Math.sqrt(count);
    return performance.now() - begunAt;
  }))`;

/** A proxy that has the service below `/agents/`, until the test is over. */
async function proxyBelowPath(base: string): Promise<string> {
  const server = createServer((request, response) => {
    const url = base + (request.url ?? '').replace(/^\/agents/, '');
    const { method, headers } = request;
    const forwarded = httpRequest(url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/agents`;
}

describe('The page of the inspector', () => {
  it.each([
    [{ HOST: '0.0.0.0', AUTH_DISABLED: 'true' }, 404],
    [{ HOST: '0.0.0.0', AUTH_DISABLED: 'true', INSPECTOR_ENABLED: 'true' }, 200],
    [{ HOST: '127.0.0.1', INSPECTOR_ENABLED: 'false' }, 404],
  ])('is served according to the settings: %o', async (environment, status) => {
    const service = await startService(environment);
    const port = new URL(service.url).port;
    expect((await fetch(`http://127.0.0.1:${port}/inspector`)).status).toBe(status);
  });
});

import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { describe, expect, inject, it } from 'vitest';
import { formatApiKey } from '../../src/auth/api-keys.js';
import { makeKey } from '../support/keys.js';
import { sharedService } from '../support/shared-service.js';
import { type Environment, startService } from '../support/test-processes.js';
import { secret, sign } from '../support/tokens.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, post } from '../support/worker.js';
import { InspectorPage } from './inspector-page.js';

const environments: Record<'memory' | 'redis', () => Environment> = {
  memory: () => ({ FEED_LINGER: '0' }),
  redis: () => ({
    FEED_LINGER: '0',
    STREAM_MANAGER_TYPE: 'redis',
    REDIS_ADDR: `127.0.0.1:${inject('redisPort')}`,
    REDIS_PREFIX: `test-${randomUUID()}`,
  }),
};

const question = {
  type: 'tool_approval_required',
  id: 'q1',
  content: 'Send the mail?',
  data: { approval_id: 'p1', tool_call_id: 'c1' },
};

/** A stream with one worker, and with what was sent to it. */
class Stream {
  readonly url: string;
  readonly query: string;

  constructor(
    readonly base: string,
    sid: string,
    readonly headers: Record<string, string> = {},
  ) {
    this.url = eventsUrl(base, sid).replace(/\/events$/, '');
    this.query = `?sid=${sid}&mid=m1`;
  }

  async append(body: unknown, headers: Record<string, string> = {}): Promise<void> {
    const { status, body: problem } = await post(`${this.url}/events`, body, {
      ...this.headers,
      ...headers,
    });
    expect(status, JSON.stringify(problem)).toBe(201);
  }

  acknowledge(offset: number): Promise<void> {
    return this.append({ type: 'progress' }, { 'inputs-ack-offset': String(offset) });
  }

  async inputs(): Promise<Record<string, unknown>[]> {
    const response = await fetch(`${this.url}/inputs`, { headers: this.headers });
    return ((await response.json()) as { inputs: Record<string, unknown>[] }).inputs;
  }

  async open(options: Parameters<typeof InspectorPage.open>[2] = {}): Promise<InspectorPage> {
    const inspector = await InspectorPage.open(this.base, this.query, options);
    await inspector.hasFrames(1);
    return inspector;
  }
}

/** The pauses of the sample run, which are below a second, are a twentieth. */
const hurried = {
  prepare: (page: Page) =>
    page.addInitScript(`{
      const { setTimeout } = window;
      window.setTimeout = (action, ms) => setTimeout(action, ms < 1000 ? ms / 20 : ms);
    }`),
};

/** The inputs as the page shows them: author and type, content, state. */
const shownInputs = (page: Page) =>
  page
    .locator('#inputs-list li')
    .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));

const shows = (page: Page, expected: readonly (readonly string[])[]) =>
  waitFor(
    `the inputs ${JSON.stringify(expected)}`,
    async () => JSON.stringify(await shownInputs(page)) === JSON.stringify(expected),
  );

const decision = (page: Page, text: string) => page.locator('.approval').getByText(text).waitFor();

const send = async (inspector: InspectorPage, text: string) => {
  await inspector.page.getByLabel('Message to the worker').fill(text);
  await inspector.click('Send');
};

describe.each(['memory', 'redis'] as const)('The inspector on %s', (backend) => {
  const service = sharedService(environments[backend]);
  const stream = () => new Stream(service.url, service.sid);

  it('still shows the question, and can answer it, on a page that is reloaded while the agent waits for an approval', async () => {
    const one = stream();
    await one.append(question);
    const inspector = await one.open();
    await inspector.page.getByRole('button', { name: 'Approve' }).waitFor();
    await inspector.page.reload();
    await inspector.page.locator('.approval').getByText('Send the mail?').waitFor();
    await inspector.click('Approve');
    await decision(inspector.page, 'Approved');
    await shows(inspector.page, [['approval', 'Approved p1', 'queued']]);
    const result = { type: 'tool_result', data: { tool_call_id: 'c1', success: true } };
    await one.append([result, { type: 'complete' }], { 'inputs-ack-offset': '1' });
    await shows(inspector.page, [['approval', 'Approved p1', 'read']]);
    await inspector.says(/^All 3 events came/);
  });
});

const backends =
  process.env.REJOIN_LONG === '1' ? (['memory', 'redis'] as const) : ['memory' as const];

describe.each(backends)('Inputs in the inspector on %s', (backend) => {
  const service = sharedService(environments[backend]);
  const stream = () => new Stream(service.url, service.sid);

  it('shows a message that it sent as queued, then as read, and as not read after the end', async () => {
    const one = stream();
    await one.append({ type: 'answer', content: 'one' });
    const inspector = await one.open();
    await send(inspector, 'In French, please.');
    await shows(inspector.page, [['message', 'In French, please.', 'queued']]);
    expect(await inspector.page.getByLabel('Message to the worker').inputValue()).toBe('');
    await one.acknowledge(1);
    await shows(inspector.page, [['message', 'In French, please.', 'read']]);
    await send(inspector, 'Too late?');
    await shows(inspector.page, [
      ['message', 'In French, please.', 'read'],
      ['message', 'Too late?', 'queued'],
    ]);
    await one.append({ type: 'complete' });
    await shows(inspector.page, [
      ['message', 'In French, please.', 'read'],
      ['message', 'Too late?', 'not read'],
    ]);
    await inspector.says(/^All 3 events came/);
    expect(await inspector.page.getByLabel('Message to the worker').isVisible()).toBe(false);
    expect(inspector.complaints).toEqual([]);
    const later = await one.open();
    await shows(later.page, [
      ['message', 'In French, please.', 'read'],
      ['message', 'Too late?', 'not read'],
    ]);
  });

  it.each([
    ['Approve', true, 'Approved'],
    ['Reject', false, 'Rejected'],
  ] as const)(
    'sends an approval with the button %s, and shows the decision after a reload too',
    async (name, approved, text) => {
      const one = stream();
      await one.append(question);
      const inspector = await one.open();
      await inspector.click(name);
      await decision(inspector.page, text);
      expect(await one.inputs()).toMatchObject([
        { type: 'approval', data: { replyTo: 'p1', approved } },
      ]);
      await inspector.page.reload();
      await decision(inspector.page, text);
      expect(await inspector.page.getByRole('button', { name }).count()).toBe(0);
      expect(inspector.complaints).toEqual([]);
    },
  );

  it.each([
    ['Approve', 'Approved', /^You have berth 42/],
    ['Reject', 'Rejected', /^Then I reserve nothing/],
  ] as const)('runs a sample whose worker waits for the button %s', async (name, text, ending) => {
    const inspector = await InspectorPage.open(service.url, '', hurried);
    await inspector.click('Sample run');
    await inspector.hasFrames(1);
    await send(inspector, 'Hurry!');
    await inspector.click(name);
    await inspector.says(/^All \d+ events came, each once and in order\.$/);
    const last = inspector.page.locator('.answer').last();
    expect(await last.innerText()).toMatch(ending);
    await shows(inspector.page, [
      ['message', 'Hurry!', 'read'],
      ['approval', `${text} approval-1`, 'read'],
    ]);
    expect(inspector.complaints).toEqual([]);
  });

  it('ends a sample run that is stopped while it waits for an approval', async () => {
    const inspector = await InspectorPage.open(service.url, '', hurried);
    await inspector.click('Sample run');
    await inspector.page.getByRole('button', { name: 'Approve' }).waitFor();
    const toldWorker = inspector.page.waitForResponse(
      async (response) =>
        response.url().includes('/inputs?') &&
        ((await response.json()) as { ended: boolean }).ended,
    );
    await inspector.click('Stop');
    await decision(inspector.page, 'Not answered');
    await inspector.says(/^All \d+ events came/);
    await toldWorker;
    expect(await inspector.page.locator('#fault').isVisible()).toBe(false);
  });
});

describe('An input that the inspector sends', () => {
  const service = sharedService(environments.memory);
  const stream = () => new Stream(service.url, service.sid);

  it('is stored once when its response is lost, as the next try has the same id', async () => {
    const one = stream();
    await one.append({ type: 'answer' });
    const inspector = await one.open();
    const bodies: string[] = [];
    await inspector.page.route('**/inputs', async (route) => {
      bodies.push(route.request().postData() as string);
      const response = await route.fetch();
      await (bodies.length === 1 ? route.abort() : route.fulfill({ response }));
    });
    await send(inspector, 'once');
    await waitFor('another try', () => bodies.length === 2);
    expect(bodies[1]).toBe(bodies[0]);
    await waitFor('the response', async () => {
      return (await inspector.page.getByLabel('Message to the worker').inputValue()) === '';
    });
    expect(await one.inputs()).toHaveLength(1);
    await shows(inspector.page, [['message', 'once', 'queued']]);
    await send(inspector, 'once');
    await shows(inspector.page, [
      ['message', 'once', 'queued'],
      ['message', 'once', 'queued'],
    ]);
  });

  it('keeps its text and its id when the service cannot be reached, for the next try of the user', async () => {
    const one = stream();
    await one.append({ type: 'answer' });
    const inspector = await one.open();
    const ids: string[] = [];
    let isCut = true;
    await inspector.page.route('**/inputs', async (route) => {
      ids.push(route.request().postDataJSON().id);
      await (isCut ? route.abort() : route.continue());
    });
    await send(inspector, 'once');
    await inspector.page.getByRole('alert').getByText('The service cannot be reached').waitFor();
    expect(await inspector.page.getByLabel('Message to the worker').inputValue()).toBe('once');
    isCut = false;
    await inspector.click('Send');
    await shows(inspector.page, [['message', 'once', 'queued']]);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids).size).toBe(1);
    expect(await inspector.page.getByRole('alert').count()).toBe(0);
  });

  it('is explained when there is no such stream, and when the stream has ended meanwhile', async () => {
    const one = stream();
    await one.append(question);
    const inspector = await one.open();
    const alert = inspector.page.getByRole('alert');
    await inspector.page.route('**/m1/inputs', (route) =>
      route.continue({ url: route.request().url().replace('m1', 'none') }),
    );
    await inspector.click('Approve');
    await alert.getByText('There is no such stream').waitFor();
    await inspector.page.unroute('**/m1/inputs');
    await inspector.page.route('**/m1/inputs', async (route) => {
      await one.append({ type: 'complete' });
      await route.continue();
    });
    await inspector.click('Approve');
    await alert.getByText('A finished stream rejects further inputs (complete)').waitFor();
    await decision(inspector.page, 'Not answered');
  });

  it('is explained when the stream has as many inputs as it may have', async () => {
    const full = await startService({ LIMITS_STREAM_INPUTS: '1' });
    const one = new Stream(full.url, 's1');
    await one.append({ type: 'answer' });
    const inspector = await one.open();
    await send(inspector, 'one');
    await shows(inspector.page, [['message', 'one', 'queued']]);
    await send(inspector, 'two');
    await inspector.page.getByRole('alert').getByText('The stream may have at most 1').waitFor();
    expect(await inspector.page.getByLabel('Message to the worker').inputValue()).toBe('two');
  });
});

describe('Inputs in the inspector of a service with API keys and reader tokens', () => {
  const worker = makeKey('append');
  const service = sharedService(() => ({
    AUTH_API_KEYS: formatApiKey(worker.key),
    AUTH_READER_SECRET: secret,
    FEED_LINGER: '0',
  }));

  it('have the author of the token, which is sent in a header; without the right the page says so', async () => {
    const one = new Stream(service.url, service.sid, worker.headers);
    await one.append(question);
    const inspector = await InspectorPage.open(service.url, one.query);
    const { page } = inspector;
    await inspector.enter('Reader token', await sign({ sid: service.sid, scope: 'read' }));
    await inspector.click('Resume');
    await inspector.click('Approve');
    await page.getByRole('alert').getByText('The token does not allow this').waitFor();
    const token = await sign({ sid: service.sid, scope: 'read input', sub: '<b>zoe</b>' });
    await inspector.enter('Reader token', token);
    await inspector.click('Approve');
    await decision(page, 'Approved by <b>zoe</b>');
    await shows(page, [['approval · <b>zoe</b>', 'Approved p1', 'queued']]);
    expect(await page.getByRole('alert').count()).toBe(0);
    const posts = inspector.requests.filter(({ url }) => url.endsWith('/inputs'));
    expect(posts.at(-1)?.headers.authorization).toBe(`Bearer ${token}`);
  });
});

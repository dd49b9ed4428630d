import { describe, expect, it } from 'vitest';
import { sharedService } from '../support/shared-service.js';
import { eventsUrl, post } from '../support/worker.js';
import { InspectorPage } from './inspector-page.js';

const attacks = [
  '<img src=x onerror="pwned=1">',
  '<script>pwned=1</script>',
  '"><svg onload=pwned=1>',
  '<iframe srcdoc="<script>parent.pwned=1</script>">',
  'javascript:pwned=1',
];

/** Events that carry the attack wherever text of a worker is shown. */
function eventsWith(attack: string) {
  const data = { tool_call_id: attack, tool_name: attack, arguments: { [attack]: attack } };
  return [
    { type: 'question', id: `${attack}1`, content: attack, data: { [attack]: attack } },
    { type: 'thinking', id: attack, content: attack, done: true },
    { type: 'tool_call', id: attack, content: attack, data },
    { type: 'tool_result', content: attack, data: { tool_call_id: attack, output: attack } },
    { type: 'references', data: { references: [{ title: attack, url: attack }, attack, null] } },
    { type: 'answer', id: attack, content: attack, done: true },
    { type: 'error', content: '', data: { code: attack } },
  ];
}

describe('The content of a hostile event', () => {
  const service = sharedService(() => ({ FEED_LINGER: '0' }));

  async function expectHarmless({ page, complaints }: InspectorPage): Promise<void> {
    expect(await page.evaluate('typeof pwned')).toBe('undefined');
    const inserted = page.locator('#stream :is(img, script, svg, iframe, a, object, embed)');
    expect(await inserted.count()).toBe(0);
    expect(complaints).toEqual([]);
  }

  it.each(attacks)('is shown by the inspector, and has no effect: %s', async (attack) => {
    const events = eventsWith(attack);
    const end = [
      { type: 'stop', data: { reason: attack } },
      { type: 'session_title', content: attack },
    ];
    await post(eventsUrl(service.url, service.sid), [...events, ...end]);
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`);
    await inspector.says(/^All 9 events came/);
    for (const place of ['#title', '.answer', '.tool-head', '.references', '.error']) {
      expect(await inspector.page.locator(place).textContent()).toContain(attack);
    }
    await expectHarmless(inspector);
  });

  it('is shown of an input too, and has no effect', async () => {
    const attack = attacks.slice(0, 3).join(' ');
    const url = eventsUrl(service.url, service.sid);
    const question = { type: 'tool_approval_required', id: attack, content: attack };
    await post(url, question);
    const { status } = await post(url.replace(/events$/, 'inputs'), [
      { type: 'message', id: attack, content: attack },
      { type: 'answer', id: 'i2', data: { [attack]: attack } },
      { type: 'approval', id: 'i3', data: { replyTo: attack, approved: true } },
      { type: 'approval', id: 'i4', data: { replyTo: { toString: 1 }, approved: 1 } },
    ]);
    expect(status).toBe(201);
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`);
    const rows = inspector.page.locator('#inputs-list li');
    await rows.nth(3).waitFor();
    expect(await rows.locator('.text').allTextContents()).toEqual([
      attack,
      JSON.stringify({ [attack]: attack }),
      `Approved ${attack}`,
      'Rejected {"toString":1}',
    ]);
    await inspector.page.locator('.decision').getByText('Approved').waitFor();
    expect(await inspector.page.locator('.approval').textContent()).toContain(attack);
    await expectHarmless(inspector);
  });

  it('is shortened in an input that is very long, which leaves the page as wide as it is', async () => {
    const url = eventsUrl(service.url, service.sid);
    const content = 'x'.repeat(30_000);
    await post(url, { type: 'tool_approval_required', id: 'q1', content });
    await post(url.replace(/events$/, 'inputs'), { type: 'message', id: 'i1', content });
    const viewport = { width: 390, height: 844 };
    const query = `?sid=${service.sid}&mid=m1`;
    const { page } = await InspectorPage.open(service.url, query, { viewport });
    const text = page.locator('#inputs-list .text');
    await text.waitFor();
    expect((await text.textContent())?.slice(-20)).toMatch(/^x+… \(10000 more\)$/);
    await page.locator('.approval').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    expect(await page.getByLabel('Message to the worker').isVisible()).toBe(true);
  });

  it('does not stop the view where a tool, a reason or a title is no text', async () => {
    const odd = { toString: 1 };
    await post(eventsUrl(service.url, service.sid), [
      { type: 'tool_call', data: { tool_call_id: odd, tool_name: odd } },
      { type: 'tool_result', data: { tool_call_id: odd, success: true } },
      { type: 'references', data: { references: [{ title: odd, url: odd }] } },
      { type: 'ui_message_chunk', data: { type: odd } },
      { type: 'error', data: { code: odd } },
      { type: 'stop', data: { reason: odd } },
    ]);
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`);
    await inspector.says(/^All 6 events came/);
    await inspector.page.getByText('Stopped: {"toString":1}').waitFor();
    expect(await inspector.page.locator('.tool-head').innerText()).toContain('{"toString":1}');
    await expectHarmless(inspector);
  });

  it('has no effect in a type or an id of a frame either, which another program may write', async () => {
    const [attack] = attacks as [string];
    const frames = [
      `id: ${attack}\ndata: ${JSON.stringify({ type: attack, id: attack, content: attack })}\n\n`,
      `id: ${attack}\nevent: malformed\ndata: ${JSON.stringify({ offset: 1, bytes: attack })}\n\n`,
    ];
    const body = frames.join('');
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`, {
      prepare: (page) =>
        page.route('**/m1/stream?**', (route) =>
          route.fulfill({ contentType: 'text/event-stream', body: `retry: 60000\n\n${body}` }),
        ),
    });
    await inspector.hasFrames(2);
    expect((await inspector.frames)[0]?.id).toBe(attack);
    await expectHarmless(inspector);
  });

  it('has no effect in the ids of the address either', async () => {
    const query = `?${new URLSearchParams({ sid: attacks[0] as string, mid: attacks[1] as string })}`;
    const { page } = await InspectorPage.open(service.url, query);
    await page.locator('#state').getByText('is named by 1 to 128 letters, digits').waitFor();
    expect(await page.locator('#title').textContent()).toBe(attacks[1]);
    expect(await page.evaluate('typeof pwned')).toBe('undefined');
  });

  it('could not run as a script: the policy of the page allows only its own', async () => {
    const { page } = await InspectorPage.open(service.url);
    const rejected = await page.evaluate<string>(`(() => {
      try { document.body.innerHTML = '<b>x</b>'; return 'taken'; } catch (error) { return error.name; }
    })()`);
    expect(rejected).toBe('TypeError');
    await page
      .evaluate(`{
      const script = document.createElement('script');
      script.append('pwned = 1');
      document.body.append(script);
    }`)
      .catch(() => {});
    expect(await page.evaluate('typeof pwned')).toBe('undefined');
  });
});

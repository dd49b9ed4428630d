import { describe, expect, it } from 'vitest';
import { sharedService } from '../support/shared-service.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, post } from '../support/worker.js';
import { InspectorPage } from './inspector-page.js';

/** The least contrast of text and background that WCAG 2.2 asks for (1.4.3, level AA). */
const minContrast = 4.5;

/** Each text that is seen, with the contrast to what is behind it. */
const contrasts = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const channels = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (color) => {
    const [r, g, b] = channels(color).map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const { backgroundColor } = getComputedStyle(element);
    return channels(backgroundColor)[3] === 255 ? backgroundColor : behind(element.parentElement);
  };
  return [...document.querySelectorAll('body *')]
    .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''))
    .filter((one) => one.checkVisibility() && !one.closest(':disabled, option'))
    .map((one) => {
      const [light, dark] = [getComputedStyle(one).color, behind(one)].map(luminance).sort((a, b) => b - a);
      return { text: one.textContent.trim().slice(0, 40), contrast: (light + 0.05) / (dark + 0.05) };
    });
})()`;

describe('The inspector', () => {
  const service = sharedService(() => ({ FEED_LINGER: '0' }));

  async function open(options: Parameters<typeof InspectorPage.open>[2]): Promise<InspectorPage> {
    const url = eventsUrl(service.url, service.sid);
    await post(url, [
      { type: 'question', content: 'Why?' },
      { type: 'thinking', content: 'Hm.', done: true },
      {
        type: 'tool_call',
        data: { name: 'a_tool_with_a_long_name'.repeat(4), q: 'x'.repeat(300) },
      },
      { type: 'answer', content: `${'word '.repeat(200)}${'x'.repeat(300)}` },
      { type: 'tool_approval_required', id: 'q', content: `May it run? ${'x'.repeat(300)}` },
      { type: 'tool_approval_required', id: 'r' },
    ]);
    await post(url.replace(/events$/, 'inputs'), [
      { type: 'approval', id: 'i1', data: { replyTo: 'q', approved: true } },
      { type: 'message', id: 'i2', content: `${'word '.repeat(20)}${'x'.repeat(300)}` },
    ]);
    await post(url, { type: 'progress' }, { 'inputs-ack-offset': '1' });
    await post(url, { type: 'error', content: 'It failed.', done: true });
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`, options);
    await inspector.says(/^All 8 events came/);
    await inspector.page.getByText('not read', { exact: true }).waitFor();
    await inspector.page.locator('details').evaluateAll((all) => {
      for (const one of all) one.setAttribute('open', '');
    });
    return inspector;
  }

  it.each(['light', 'dark'] as const)('has readable contrast in %s', async (colorScheme) => {
    const inspector = await open({ colorScheme });
    for (const view of ['Conversation', 'Frames'] as const) {
      await inspector.choose(view);
      const found = await inspector.page.evaluate<{ text: string; contrast: number }[]>(contrasts);
      expect(found.length).toBeGreaterThan(20);
      expect(found.filter(({ contrast }) => contrast < minContrast)).toEqual([]);
    }
    const paper = await inspector.page.evaluate<string>(
      'getComputedStyle(document.body).backgroundColor',
    );
    expect(paper).toBe(colorScheme === 'dark' ? 'rgb(16, 21, 20)' : 'rgb(246, 247, 245)');
  });

  it('fits a phone, however long the words of an event are', async () => {
    const inspector = await open({ viewport: { width: 375, height: 740 } });
    for (const view of ['Conversation', 'Frames'] as const) {
      await inspector.choose(view);
      expect(await inspector.page.evaluate('document.documentElement.scrollWidth')).toBe(375);
    }
  });

  it('follows the end of the conversation on a phone, whose page stays where it is', async () => {
    const { page } = await open({ viewport: { width: 390, height: 844 } });
    await page.locator('.error').getByText('It failed.').waitFor();
    await post(eventsUrl(service.url, service.sid, 'm2'), {
      type: 'answer',
      content: 'word '.repeat(2000),
    });
    await page.getByRole('button', { name: 'Streams' }).click();
    await page.locator('#streams').getByText('m2').click();
    await waitFor('the end of the answer', () =>
      page.evaluate<boolean>(`(() => {
        const { scrollTop, clientHeight, scrollHeight } = document.querySelector('#events');
        return scrollTop > 0 && scrollTop + clientHeight > scrollHeight - 2;
      })()`),
    );
    expect(await page.evaluate('scrollY')).toBe(0);
    expect(await page.locator('#sid').isVisible()).toBe(false);
    const shareOfEvents = "document.querySelector('#events').clientHeight / innerHeight";
    expect(await page.evaluate<number>(shareOfEvents)).toBeGreaterThan(0.5);
  });

  it('labels every control, and announces changes of the connection', async () => {
    const { page } = await open({});
    const unnamed = await page.evaluate(`
      [...document.querySelectorAll('button, input, select, summary, a')].filter((one) => {
        const texts = [one.textContent, one.ariaLabel, one.labels?.[0]?.textContent];
        return texts.every((text) => (text ?? '').trim() === '');
      }).map(({ id }) => id)`);
    expect(unnamed).toEqual([]);
    expect(await page.getByRole('status').count()).toBe(1);
    expect(await page.getByRole('main').count()).toBe(1);
  });
});

import { expect, it } from 'vitest';
import { sharedService } from '../support/shared-service.js';
import { startService } from '../support/test-processes.js';
import { newPage } from './browser.js';

const service = sharedService(() => ({}));

it('The API page tries requests out, and sends them to no other host', async () => {
  const page = await newPage();
  const asked = new Set<string>();
  const complaints: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith('data:')) asked.add(new URL(request.url()).origin);
  });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(`${service.url}/docs`);
  const append = page.locator('#operations-Workers-appendEvents');
  await append.locator('.opblock-summary-control').click();
  await append.getByRole('button', { name: 'Try it out' }).click();
  await append.getByPlaceholder('sid').fill('s1');
  await append.getByPlaceholder('mid').fill('m1');
  await append.getByRole('button', { name: 'Execute' }).click();
  await append.locator('.live-responses-table .response-col_status').last().waitFor();
  const sent = await append.locator('.request-url pre').innerText();
  expect(sent).toBe(`${service.url}/sessions/s1/messages/m1/events`);
  const status = append.locator('.live-responses-table tbody .response-col_status').first();
  expect(await status.innerText()).toMatch(/^201/);
  expect([...asked]).toEqual([service.url]);
  expect(complaints).toEqual([]);
});

/** How bright a colour is, as `rgb(…)`, from 0 to 255. */
const brightness = `(color) => Math.max(...color.match(/\\d+/g).slice(0, 3).map(Number))`;

const sizes = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
];

it('The API page has readable text in light and dark mode, and fits a desktop and a phone', async () => {
  const page = await newPage();
  await page.goto(`${service.url}/docs`);
  const append = page.locator('#operations-Workers-appendEvents');
  await append.locator('.opblock-summary-control').click();
  await append.locator('.responses-table').first().waitFor();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const size of sizes) {
      await page.setViewportSize(size);
      const [paper, ...texts] = await page.evaluate<number[]>(`(() => {
      const brightness = ${brightness};
        const style = (place) => getComputedStyle(document.querySelector(place));
        const paper = [...document.querySelectorAll('html, body, .swagger-ui')]
          .map((element) => getComputedStyle(element).backgroundColor)
          .findLast((color) => !color.endsWith(', 0)')) ?? 'rgb(255, 255, 255)';
        const texts = ['header strong', 'header a', '.info h1', '.opblock-description p', '.parameter__name'];
        return [paper, ...texts.map((place) => style(place).color)].map(brightness);
      })()`);
      const isDark = colorScheme === 'dark';
      expect(isDark ? paper : 255 - (paper as number)).toBeLessThan(64);
      expect(texts).toHaveLength(5);
      for (const text of texts)
        expect(isDark ? text - (paper as number) : (paper as number) - text).toBeGreaterThan(90);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
    }
  }
});

it('GET / leads a browser to the inspector, and that to the API page and back', async () => {
  const page = await newPage();
  await page.goto(service.url);
  expect(page.url()).toBe(`${service.url}/inspector`);
  await page.getByRole('link', { name: 'API', exact: true }).click();
  await page.waitForURL(`${service.url}/docs`, { waitUntil: 'commit' });
  await page.getByRole('link', { name: 'Inspector' }).click();
  await page.waitForURL(`${service.url}/inspector`);
});

it('The OpenAPI document and its page respond 404 when they are disabled', async () => {
  const service = await startService({ DOCS_ENABLED: 'false' });
  for (const path of ['/docs', '/docs/docs.js', '/openapi.json']) {
    expect((await fetch(service.url + path)).status).toBe(404);
  }
});

import { expect, it } from 'vitest';
import { startService } from '../support/test-processes.js';
import { newPage } from './browser.js';

it('The API page tries requests out, and sends them to no other host', async () => {
  const service = await startService();
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

it.each([
  ['light', 'text darker than the page', [1280, 800]],
  ['dark', 'text lighter than the page', [1280, 800]],
  ['light', 'text darker than the page', [390, 844]],
  ['dark', 'text lighter than the page', [390, 844]],
] as const)('The API page in %s has %s, and fits %j', async (colorScheme, _, size) => {
  const service = await startService();
  const [width, height] = size;
  const page = await newPage({ colorScheme, viewport: { width, height } });
  await page.goto(`${service.url}/docs`);
  const append = page.locator('#operations-Workers-appendEvents');
  await append.locator('.opblock-summary-control').click();
  await append.locator('.responses-table').first().waitFor();
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
  for (const text of texts)
    expect(isDark ? text - (paper as number) : (paper as number) - text).toBeGreaterThan(90);
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
});

it('GET / leads a browser to the inspector, and that to the API page and back', async () => {
  const service = await startService();
  const page = await newPage();
  await page.goto(service.url);
  expect(page.url()).toBe(`${service.url}/inspector`);
  await page.getByRole('link', { name: 'API', exact: true }).click();
  await page.waitForURL(`${service.url}/docs`);
  await page.getByRole('link', { name: 'Inspector' }).click();
  await page.waitForURL(`${service.url}/inspector`);
});

it('The OpenAPI document and its page are absent when the settings disable them', async () => {
  const service = await startService({ DOCS_ENABLED: 'false' });
  for (const path of ['/docs', '/docs/docs.js', '/openapi.json']) {
    expect((await fetch(service.url + path)).status).toBe(404);
  }
});

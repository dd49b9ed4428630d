import { expect, it } from 'vitest';
import { startService } from '../support/test-processes.js';
import { newPage } from './browser.js';

it('The page of the API tries requests out, and asks nobody but the service for anything', async () => {
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

it('The document and its page are not there when the settings say so', async () => {
  const service = await startService({ DOCS_ENABLED: 'false' });
  for (const path of ['/docs', '/docs/docs.js', '/openapi.json']) {
    expect((await fetch(service.url + path)).status).toBe(404);
  }
});

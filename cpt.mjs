import { chromium } from 'playwright-core';

const exe = process.env.EXE;
const args = (process.env.ARGS || '--no-sandbox --disable-gpu').split(' ');
const b = await chromium.launch({ executablePath: exe, args });
for (let i = 0; i < 20; i++) {
  const c = await b.newContext();
  const p = await c.newPage();
  await p.goto('data:text/html,<p>hi');
  await p.close();
  await c.close();
}
await b.close();

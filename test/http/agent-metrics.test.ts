import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { producerHeaders } from '../support/producers.js';
import { growth, type Numbers, scrape } from '../support/scrape.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, post } from '../support/worker.js';

const answered = 'rejoin_first_answer_seconds';
const gap = 'rejoin_append_gap_seconds';
const ended = (status: string) => `rejoin_streams_ended_total{status="${status}"}`;

describeApp('GET /metrics about agents', {}, (source) => {
  const grown = (before: Numbers) => growth(source.app.url, before);

  it('has the time to the first event and the gaps between appends', async () => {
    const one = source.stream();
    const before = await scrape(source.app.url);
    const begunAt = performance.now();
    await one.post({ type: 'thinking' });
    expect(await grown(before)).not.toHaveProperty(`${answered}_count`);
    await sleep(150); // the time that is measured
    await one.post([{ type: 'tool_call' }, { type: 'answer' }, { type: 'answer' }]);
    await one.post({ type: 'answer' });
    const tookSeconds = (performance.now() - begunAt) / 1000;
    const after = await grown(before);
    expect(after).toMatchObject({ [`${answered}_count`]: 1, [`${gap}_count`]: 2 });
    for (const name of [answered, gap]) {
      expect(after[`${name}_sum`]).toBeGreaterThan(0.14);
      expect(after[`${name}_sum`]).toBeLessThan(tookSeconds);
    }
  });

  it('counts each stream by how it ended, once', async () => {
    const before = await scrape(source.app.url);
    const producer = producerHeaders(0);
    const whole = source.stream();
    const end = [{ type: 'answer' }, { type: 'complete' }];
    await whole.post(end, producer);
    await whole.post(end, producer); // stored already
    await whole.post([...end, { type: 'session_title' }], producer); // but for the title
    await whole.post({ type: 'session_title' });
    const failed = source.stream();
    await failed.post([
      { type: 'error', done: false },
      { type: 'error', done: true },
    ]);
    expect((await failed.post({ type: 'answer' })).status).toBe(409);
    const stopped = source.stream();
    for (let round = 0; round < 2; round += 1)
      await fetch(`${stopped.url}/stop`, { method: 'POST' });
    const deleted = source.stream();
    await deleted.post({ type: 'answer' });
    for (const one of [deleted, deleted, whole]) await fetch(one.url, { method: 'DELETE' });
    const lost = source.stream();
    await lost.post({ type: 'answer' }, { 'producer-lease': '1' });
    await waitFor(
      'the producer is lost',
      async () => ended('producer_lost') in (await grown(before)),
    );
    const ends = Object.entries(await grown(before)).filter(([name]) => /_ended_/.test(name));
    expect(Object.fromEntries(ends)).toEqual(
      Object.fromEntries(
        ['complete', 'failed', 'stopped', 'deleted', 'producer_lost'].map((how) => [ended(how), 1]),
      ),
    );
  });

  it('counts neither a gap nor a first event for a stream of the same name that begins again', async () => {
    const one = source.stream();
    await one.post({ type: 'answer' }, producerHeaders(0));
    await fetch(one.url, { method: 'DELETE' });
    const before = await scrape(source.app.url);
    expect((await one.post({ type: 'thinking' }, producerHeaders(0, 1))).status).toBe(201);
    const after = await grown(before);
    expect(after).not.toHaveProperty(`${gap}_count`);
    expect(after).not.toHaveProperty(`${answered}_count`);
  });

  it('counts the open streams of a session that is deleted', async () => {
    const sid = `gone-${process.pid}`;
    for (const mid of ['m1', 'm2']) {
      await post(eventsUrl(source.app.url, sid, mid), { type: 'answer' });
    }
    const before = await scrape(source.app.url);
    await fetch(`${source.app.url}/sessions/${sid}`, { method: 'DELETE' });
    expect(await grown(before)).toMatchObject({ [ended('deleted')]: 2 });
  });
});

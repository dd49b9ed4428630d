import { EventSource } from 'eventsource';
import { expect, it } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { NumberedWorker, numbersOf } from '../support/numbered-worker.js';
import { waitFor } from '../support/wait-for.js';

/** Long enough to get to what there is, on a machine that stands still for a while. */
const maxAgeMs = 4000;

describeApp('feed.max_age', { feed: { maxAgeMs }, isConcurrent: true }, ({ stream }) => {
  it('A feed that has reached its age ends after what it has sent, with a retry line', async () => {
    const one = stream();
    await one.postAnswers(2);
    const openedAt = performance.now();
    const feed = await one.feed();
    await feed.end();
    const age = performance.now() - openedAt;
    expect(age).toBeGreaterThan(maxAgeMs * 0.85);
    expect(feed.frames).toHaveLength(2);
    expect(feed.response.complete).toBe(false);
    expect(feed.raw).toMatch(/\nretry: \d+\n$/);
  });
});

const short = { feed: { maxAgeMs: 500 }, isConcurrent: true };

describeApp('feed.max_age with reconnects', short, ({ stream }) => {
  it('Feeds that were opened together ask their clients to come back at different times', async () => {
    const one = stream();
    const feeds = await Promise.all(Array.from({ length: 20 }, () => one.feed()));
    for (const feed of feeds) await feed.end();
    const waits = feeds.map(({ retryMs }) => retryMs as number);
    for (const wait of waits) {
      expect(wait).toBeGreaterThanOrEqual(1000);
      expect(wait).toBeLessThanOrEqual(3000);
    }
    expect(new Set(waits).size).toBeGreaterThan(5);
  });

  it('A client that reconnects whenever its feed has reached its age loses and repeats nothing', async ({
    onTestFinished,
  }) => {
    const one = stream();
    const received: string[] = [];
    let opened = 0;
    const client = new EventSource(`${one.url}/stream`);
    onTestFinished(() => client.close());
    client.onopen = () => {
      opened += 1;
    };
    client.onmessage = ({ data }) => received.push(data);
    const worker = new NumberedWorker(one.eventsUrl, 10);
    worker.start();
    await waitFor('it has come back twice', () => opened >= 3);
    await worker.stop();
    await waitFor('it has all', () => received.length === worker.acknowledged.length);
    expect(numbersOf(received)).toEqual(worker.acknowledged);
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type AppSource, describeApp } from '../support/app-suite.js';
import { producerHeaders } from '../support/producers.js';
import { growth, type Numbers, scrape, scrapeText } from '../support/scrape.js';
import { waitFor } from '../support/wait-for.js';

const preamble = 'retry: 2000\n: connected\n';

const whole = (content: string) => ({
  id: 'x',
  type: 'answer',
  content,
  done: false,
  timestamp: '2026-01-01T00:00:00Z',
});

/** Resolves when the series has grown by this. */
function grows(source: AppSource, before: Numbers, series: string, by: number): Promise<void> {
  return waitFor(`${series} grows by ${by}`, async () => {
    return ((await growth(source.app.url, before))[series] ?? 0) === by;
  });
}

describeApp('GET /metrics', { feed: { pollIntervalMs: 60_000 } }, (source) => {
  it('counts the events that were appended and delivered', async () => {
    const one = source.stream();
    const before = await scrape(source.app.url);
    const feeds = [await one.feed(), await one.feed()];
    const events = ['é', '漢字', 'x'.repeat(5000)].map(whole);
    const begunAt = performance.now();
    await one.post(events);
    for (const feed of feeds) await feed.frameCount(3);
    const tookSeconds = (performance.now() - begunAt) / 1000;

    const grown = await growth(source.app.url, before);
    const stored = events.reduce((sum, event) => sum + Buffer.byteLength(JSON.stringify(event)), 0);
    const sent = feeds.reduce((sum, { raw }) => sum + Buffer.byteLength(raw) - preamble.length, 0);
    expect(grown).toMatchObject({
      rejoin_events_appended_total: 3,
      rejoin_bytes_appended_total: stored,
      rejoin_events_delivered_total: 6,
      rejoin_bytes_delivered_total: sent,
      rejoin_feeds_open: 2,
      rejoin_streams_followed: 1,
      'rejoin_feeds_opened_total{start="start"}': 2,
      'rejoin_stream_reads_total{cause="notification",result="events"}': 1,
      rejoin_delivery_lag_seconds_count: 1,
    });
    expect(grown.rejoin_delivery_lag_seconds_sum).toBeLessThanOrEqual(tookSeconds);
    for (const feed of feeds) feed.drop();
    await grows(source, before, 'rejoin_feeds_closed_total{reason="left"}', 2);
    expect(await growth(source.app.url, before)).not.toHaveProperty('rejoin_feeds_open');
  });

  it('has the time from the first feed that waits for a stream to its first event, once', async () => {
    const one = source.stream();
    const before = await scrape(source.app.url);
    const begunAt = performance.now();
    const first = await one.feed();
    await waitFor('it waits', () => first.raw === preamble);
    await sleep(150); // the time that is measured
    const feeds = [first, await one.feed(), await one.feed('?offset=now')];
    await one.postAnswers(1);
    for (const feed of feeds) await feed.frameCount(1);
    const tookSeconds = (performance.now() - begunAt) / 1000;
    await one.postAnswers(1, 1);
    const grown = await growth(source.app.url, before);
    expect(grown.rejoin_first_event_seconds_count).toBe(1);
    expect(grown.rejoin_first_event_seconds_sum).toBeGreaterThan(0.14);
    expect(grown.rejoin_first_event_seconds_sum).toBeLessThan(tookSeconds);
  });

  it('has no time to the first event for an existing stream, nor for feeds whose stream was lost', async () => {
    const one = source.stream();
    const before = await scrape(source.app.url);
    await one.post({ type: 'answer' }, producerHeaders(0, 0));
    const feed = await one.feed();
    await feed.frameCount(1);
    await fetch(one.url, { method: 'DELETE' });
    const late = await one.feed('', { 'last-event-id': '7-00000000' });
    await feed.frameCount(2);
    await late.frameCount(1);
    expect([feed, late].map(({ frames }) => frames.at(-1)?.event)).toEqual(['reset', 'reset']);
    expect((await one.post({ type: 'answer' }, producerHeaders(0, 1))).status).toBe(201);
    await feed.frameCount(3);
    await late.frameCount(2);
    const grown = await growth(source.app.url, before);
    expect(grown).not.toHaveProperty('rejoin_first_event_seconds_count');
  });

  it('counts appends by their outcome', async () => {
    const one = source.stream();
    const { backend } = source;
    const before = await scrape(source.app.url);
    await one.post([{ type: 'answer' }, { type: 'complete' }]);
    expect((await one.post({ type: 'answer' })).status).toBe(409);
    expect((await one.post({ type: 'no type' })).status).toBe(400); // never came to the store
    const count = 'rejoin_append_duration_seconds_count';
    const grown = await growth(source.app.url, before);
    expect(Object.entries(grown).filter(([series]) => series.startsWith(count))).toEqual([
      [`${count}{backend="${backend}",outcome="stored"}`, 1],
      [`${count}{backend="${backend}",outcome="stream_ended"}`, 1],
    ]);
    expect(grown).toMatchObject({ rejoin_events_appended_total: 2 });
  });

  it('counts feeds by where they began, and resets by their reason', async () => {
    const one = source.stream();
    await one.postAnswers(3);
    const before = await scrape(source.app.url);
    const places = ['?offset=1', '?offset=now', '?offset=9', '?offset=2-00000000'];
    for (const query of ['', ...places, '?lastEventId=x']) {
      const feed = await one.feed(query);
      if (query !== '?offset=now') await feed.frameCount(1);
      feed.drop();
    }
    await grows(source, before, 'rejoin_feeds_closed_total{reason="left"}', 6);
    expect(await growth(source.app.url, before)).toMatchObject({
      'rejoin_feeds_opened_total{start="start"}': 1,
      'rejoin_feeds_opened_total{start="now"}': 1,
      'rejoin_feeds_opened_total{start="resumed"}': 4,
      'rejoin_feed_resets_total{reason="gone"}': 1,
      'rejoin_feed_resets_total{reason="diverged"}': 1,
      'rejoin_feed_resets_total{reason="unknown"}': 1,
    });
  });

  it('has labels with a few known values only, whatever clients send', async () => {
    const seriesBefore = fixed(await ownSeries(source));
    const words = ['word-of-a-client', 'a'.repeat(64)];
    for (let round = 0; round < 5; round += 1) {
      const one = source.stream();
      for (const word of words) {
        await one.post({ type: word, id: word, content: word, data: { [word]: word } });
        await fetch(`${one.url}/${word}`, { headers: { 'user-agent': word } });
        await fetch(`${one.url}/events?${word}=${word}&offset=${word}`);
      }
      const feed = await one.feed(`?token=${words[0]}`, { 'last-event-id': '77' });
      await feed.frameCount(1);
      feed.drop();
      for (const word of [...words, one.sid, one.mid]) {
        const labels = [...(await ownSeries(source))].join('\n');
        expect(labels).not.toContain(`"${word}`);
      }
    }
    expect(fixed(await ownSeries(source))).toEqual(seriesBefore);
  });

  it('responds in the format of Prometheus, with the build and the state of the process', async () => {
    const response = await fetch(`${source.app.url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    expect(text).toMatch(/^rejoin_build_info\{version="1\.2\.3",backend="(memory|redis)"\} 1$/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
    expect(text).toMatch(/^process_resident_memory_bytes /m);
    expect(text).not.toMatch(/^nodejs_active_/m); // they cost too much with many feeds
    const names = [...text.matchAll(/^# HELP (rejoin_\w+) (.*)$/gm)];
    expect(names.length).toBeGreaterThan(10);
    expect((await fetch(`${source.app.url}/metrics`, { method: 'POST' })).status).toBe(405);
  });
});

/**
 * The names and labels of the service's own series, without those of the runtime. Those of rejected
 * requests come with the first of each kind; rejections.test.ts holds their labels to short lists.
 */
async function ownSeries({ app }: AppSource): Promise<Set<string>> {
  const text = await scrapeText(app.url);
  return new Set(
    [...text.matchAll(/^(rejoin_\w+(?:\{[^}]*\})?) /gm)].map((match) => match[1] ?? ''),
  );
}

/** Those that are there from the start. */
function fixed(series: ReadonlySet<string>): string[] {
  return [...series].filter((one) => !one.startsWith('rejoin_requests_rejected_total'));
}

describeApp('GET /metrics about reads', { feed: { pollIntervalMs: 50 } }, (source) => {
  const idle = 'rejoin_stream_reads_total{cause="poll",result="nothing"}';
  const notified = 'rejoin_stream_reads_total{cause="notification",result="events"}';

  it('counts polls only where a notification may be lost', async () => {
    const one = source.stream();
    const before = await scrape(source.app.url);
    const grown = () => growth(source.app.url, before);
    const feed = await one.feed();
    if (!source.streams.notifiesReliably) {
      await waitFor('polls', async () => ((await grown())[idle] ?? 0) > 2);
      expect(await grown()).not.toHaveProperty('rejoin_delivery_lag_seconds_count');
    }
    const startedAt = performance.now();
    let count = 0;
    await waitFor('notifications, for longer than some polls', async () => {
      count += 1;
      await one.postAnswers(1, count);
      await feed.frameCount(count);
      return ((await grown())[notified] ?? 0) > 0 && performance.now() - startedAt > 200;
    });
    if (source.streams.notifiesReliably) expect(await grown()).not.toHaveProperty(idle);
    feed.drop();
    await feed.end();
  });
});

const short = { lingerMs: 0, waitMs: 100, maxFeeds: 2, stallMs: 300 };

describeApp('GET /metrics about ends', { feed: short }, (source) => {
  const closed = (reason: string) => `rejoin_feeds_closed_total{reason="${reason}"}`;

  it('counts closed and rejected feeds by their reason', async () => {
    const before = await scrape(source.app.url);
    const ended = source.stream();
    await ended.post([{ type: 'answer' }, { type: 'complete' }]);
    await (await ended.feed()).end();
    await (await source.stream().feed('?offset=5')).end();

    const slow = source.stream();
    const stuck = await slow.feed();
    stuck.response.pause();
    const other = await source.stream().feed();
    await (await source.stream().feed()).end(); // one too many
    for (let round = 0; round < 40; round += 1) await slow.post(largeEvents());
    await grows(source, before, closed('slow'), 1);
    other.drop();
    await grows(source, before, closed('left'), 1);
    stuck.drop();
    expect(await growth(source.app.url, before)).toMatchObject({
      [closed('ended')]: 1,
      [closed('absent')]: 1,
      [closed('slow')]: 1,
      'rejoin_feeds_rejected_total{reason="too_many_feeds"}': 1,
    });
  });

  it('counts the feeds that a draining node ended or rejected', async () => {
    const before = await scrape(source.app.url);
    const feed = await source.stream().feed();
    await source.app.app.drain(0);
    await feed.end();
    await (await source.stream().feed()).end();
    expect(await growth(source.app.url, before)).toMatchObject({
      [closed('draining')]: 1,
      'rejoin_feeds_rejected_total{reason="draining"}': 1,
    });
  });
});

describeApp('GET /metrics about feed age', { feed: { maxAgeMs: 300 } }, (source) => {
  it('counts a feed that reached feed.max_age', async () => {
    const before = await scrape(source.app.url);
    await (await source.stream().feed()).end();
    expect(await growth(source.app.url, before)).toMatchObject({
      'rejoin_feeds_closed_total{reason="max_age"}': 1,
    });
  });
});

function largeEvents() {
  return Array.from({ length: 10 }, () => ({ type: 'answer', content: 'x'.repeat(50_000) }));
}

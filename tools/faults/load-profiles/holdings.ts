import { setTimeout as sleep } from 'node:timers/promises';
import { scrape } from '../../../test/support/scrape.js';
import { openDescriptors } from './file-descriptors.js';
import type { ProfiledService } from './profiled-service.js';

/** What a service holds for its clients, by name. */
export type Holdings = Readonly<Record<string, number>>;

const gauges = { 'feeds open': 'rejoin_feeds_open', 'streams followed': 'rejoin_streams_followed' };

export async function holdingsOf(service: ProfiledService): Promise<Holdings> {
  const numbers = await scrape(service.url);
  const counted = Object.entries(gauges).map(([name, series]) => [name, numbers.get(series)]);
  return {
    ...Object.fromEntries(counted),
    'file descriptors': openDescriptors(service.pid),
    timers: await service.inspector.timers(),
    ...(await subscriptionsOf(service)),
  };
}

export async function openFeedsOf({ url }: ProfiledService): Promise<number> {
  return (await scrape(url)).get('rejoin_feeds_open') ?? Number.NaN;
}

/** How many it has opened since it was started. */
export async function openedFeedsOf({ url }: ProfiledService): Promise<number> {
  const numbers = [...(await scrape(url))];
  const opened = numbers.filter(([series]) => series.startsWith('rejoin_feeds_opened_total'));
  return opened.reduce((sum, [, count]) => sum + count, 0);
}

async function subscriptionsOf({ redis }: ProfiledService): Promise<Holdings> {
  if (redis === null) return {};
  const client = redis.client();
  const channels = (await client.pubsub('CHANNELS')) as string[];
  client.disconnect();
  return { 'subscribed channels': channels.length };
}

/** Waits until nothing is held beyond that. @returns what is left after so long, in words */
export async function whatIsLeft(
  service: ProfiledService,
  before: Holdings,
  maxMs: number,
): Promise<string[]> {
  const deadline = performance.now() + maxMs;
  for (;;) {
    const left = excess(before, await holdingsOf(service));
    if (left.length === 0 || performance.now() > deadline) return left;
    await sleep(100);
  }
}

function excess(before: Holdings, now: Holdings): string[] {
  const more = Object.entries(now).filter(([name, count]) => !(count <= (before[name] ?? 0)));
  return more.map(([name, count]) => `I11, ${name}: ${before[name]} before, ${count} afterwards`);
}

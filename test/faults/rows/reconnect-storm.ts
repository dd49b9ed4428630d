import { setTimeout as sleep } from 'node:timers/promises';
import { nowUs } from '../../bench/load/event-stamp.js';
import { Ledger } from '../../bench/load/ledger.js';
import { Load } from '../../bench/load/load.js';
import { Pacer } from '../../bench/load/pacer.js';
import type { Poster } from '../../bench/load/poster.js';
import { inWaves } from '../../bench/load/waves.js';
import { streamNumbers } from '../../bench/scenarios/scenario.js';
import { type Backend, type CrowdedService, startService } from '../crowds/crowded-service.js';
import { requireDescriptors } from '../crowds/file-descriptors.js';
import { PeakMemory } from '../crowds/peak-memory.js';
import { ResumingReader } from '../crowds/resuming-reader.js';
import { Verdict } from '../crowds/verdict.js';
import type { Fault, Run } from '../fault.js';
import type { Findings } from '../findings.js';

interface Size {
  readonly feeds: number;
  readonly streams: number;
  readonly storms: number;
}

/** One after the other: many readers of each stream, some, and one. */
const fullStreams = [50, 500, 5000];
const fullFeeds = 5000;
const fullStorms = 10;
const small: Size = { feeds: 500, streams: 50, storms: 2 };

/** Within which all come back. */
const stormMs = 2000;
/** Feeds that are not dropped. */
const steadyFeeds = 50;
/** Of all streams together, and of each at most one: five thousand feeds get about as many. */
const mostEventsPerSecond = 500;
const writers = 50;

const mostMib = 350;
const mostMsUntilResumed = 15_000;
const mostP99Ms = 1000;
/** Between two storms. */
const calmMs = 500;

export const reconnectStormInMemory = reconnectStorm('memory', 'reconnect-storm');
export const reconnectStormOnRedis = reconnectStorm('Redis', 'reconnect-storm-redis');

function reconnectStorm(backend: Backend, name: string): Fault {
  return {
    name,
    backend,
    title: `${fullFeeds} feeds, on ${fullStreams.join(', ')} streams, are dropped at once and are back within 2 s, ${fullStorms} times`,
    promise:
      'no gap and no repeat; all resume within 15 s; the 99th percentile of what is delivered meanwhile is 1 s; 350 MB at the most',
    runs: { short: 1, full: fullStreams.length },
    strike: (run) => strike(run, backend),
  };
}

async function strike(run: Run, backend: Backend): Promise<Findings> {
  const streams = fullStreams[run.index % fullStreams.length] as number;
  const size = run.isFull ? { feeds: fullFeeds, streams, storms: fullStorms } : small;
  requireDescriptors(size.feeds + steadyFeeds);
  const service = await startService(run.scope, backend);
  return Load.on(service.server, (load) => measure(run, size, service, load));
}

async function measure(
  run: Run,
  size: Size,
  service: CrowdedService,
  load: Load,
): Promise<Findings> {
  const { scope } = run;
  const streams = streamNumbers(size.streams);
  const posters = await load.writeToAll(streams, writers);
  for (const poster of posters) poster.postToEach();
  await load.settle();
  await load.follow(streams.slice(0, steadyFeeds), 1);
  const memory = scope.add(new PeakMemory(service.pid), (one) => one.stop());
  const readers = await openReaders(run, size, service, load);
  const perSecond = Math.min(size.streams, mostEventsPerSecond);
  const pacer = scope.add(new Pacer(posters, perSecond), (one) => one.stop());
  const verdict = new Verdict();
  let slowestMs = 0;
  load.latency.clear();
  for (let storm = 0; storm < size.storms; storm += 1) {
    await load.observe(calmMs);
    slowestMs = Math.max(slowestMs, await strikeOnce(run, readers, posters, load));
  }
  const p99Ms = load.latency.percentileMs(0.99);
  pacer.stop();
  load.stopWriters();
  await load.settle();
  const ledger = new Ledger(posters.flatMap(({ sent }) => sent));
  const checks = readers.map(({ check }) => check);
  await waitWhile(() => ledger.firstMissing(checks) !== null, mostMsUntilResumed);
  const missing = ledger.firstMissing(checks);
  verdict.must(missing === null, `I1, an event did not come: ${missing}`);
  for (const { fault } of readers) verdict.must(fault === null, `I2, I3, I12: ${fault}`);
  verdict.atMost('all resumed after, ms', slowestMs, mostMsUntilResumed);
  verdict.atMost('p99 of live events, ms', p99Ms, mostP99Ms);
  verdict.atMost('RSS, MB', memory.takeMib(), mostMib);
  verdict.note('readers', readers.length);
  return verdict.findings({ acknowledgedAppends: load.stored, acknowledgedEvents: load.stored });
}

async function openReaders(
  { scope }: Run,
  { feeds, streams }: Size,
  { server }: CrowdedService,
  { latency }: Load,
): Promise<ResumingReader[]> {
  const { port } = server;
  const readers = streamNumbers(feeds).map((feed) => {
    const stream = feed % streams;
    return new ResumingReader({ port, path: server.followPath(stream), stream, latency });
  });
  scope.add(readers, (all) => all.forEach((reader) => void reader.close()));
  await inWaves(readers, (reader) => reader.connect());
  await waitWhile(() => readers.some(({ resumedAtUs }) => resumedAtUs === null), 30_000);
  return readers;
}

/** Resolves with the milliseconds until the last one has resumed. */
async function strikeOnce(
  { random }: Run,
  readers: readonly ResumingReader[],
  posters: readonly Poster[],
  load: Load,
): Promise<number> {
  const stored = new Map(
    posters.flatMap(({ sent }) => sent).map((one) => [one.stream, one.events]),
  );
  const startedAtUs = nowUs();
  for (const reader of readers) reader.drop(stored.get(reader.options.stream) ?? 0);
  const returns = readers.map((reader) => sleep(random() * stormMs).then(() => reader.connect()));
  const haveResumed = () => readers.every(({ resumedAtUs }) => resumedAtUs !== null);
  await Promise.all(returns);
  await load.observe(2 * mostMsUntilResumed, haveResumed);
  const times = readers.map(({ resumedAtUs }) => resumedAtUs ?? Number.POSITIVE_INFINITY);
  return (Math.max(...times) - startedAtUs) / 1000;
}

async function waitWhile(holds: () => boolean, mostMs: number): Promise<void> {
  const deadline = performance.now() + mostMs;
  while (holds() && performance.now() < deadline) await sleep(20);
}

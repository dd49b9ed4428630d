import { setTimeout as sleep } from 'node:timers/promises';
import { Load } from '../../bench/load/load.js';
import { Pacer } from '../../bench/load/pacer.js';
import { inWaves } from '../../bench/load/waves.js';
import { streamNumbers } from '../../bench/scenarios/scenario.js';
import { residentMib } from '../../support/memory.js';
import { post } from '../../support/worker.js';
import {
  type Backend,
  type CrowdedService,
  pathOf,
  sessionPathOf,
  sessionStreams,
  startService,
} from '../crowds/crowded-service.js';
import { PeakMemory } from '../crowds/peak-memory.js';
import { Verdict } from '../crowds/verdict.js';
import type { Fault, Run } from '../fault.js';
import type { Findings } from '../findings.js';

interface Size {
  readonly streams: number;
  readonly ttlMs: number;
}

const full: Size = { streams: 100_000, ttlMs: 60_000 };
const small: Size = { streams: 2000, ttlMs: 3000 };

/** Appended to and followed all the time. */
const live = streamNumbers(20);
/** Come before anything is measured, and are deleted. */
const firstStreams = 500;
const writers = 16;
const eventsPerSecond = 100;
const tooMany = 50;

const maxMib = 256;
/** What garbage of a busy service takes beside what is in use. */
const garbageMib = 128;
const leastGrowthMib = 20;
const growthShare = 0.1;

export const manyStreamsInMemory = manyStreams('memory', 'many-streams');
export const manyStreamsOnRedis = manyStreams('Redis', 'many-streams-redis');

function manyStreams(backend: Backend, name: string): Fault {
  const isLimited = backend === 'memory' ? ', which is the limit' : '';
  return {
    name,
    backend,
    title: `${full.streams} streams${isLimited}; half of them are deleted then, half expire`,
    promise:
      'at the limit new streams get 507 with `stored: 0`, and others go on; the memory is bounded, and comes back within 20 MB or 10 %',
    runs: { short: 1, full: 1 },
    strike: (run) => strike(run, backend),
  };
}

async function strike(run: Run, backend: Backend): Promise<Findings> {
  const size = run.isFull ? full : small;
  const service = await startService(run.scope, backend, {
    STREAM_TTL: `${size.ttlMs}ms`,
    MEMORY_MAX_STREAMS: String(size.streams),
  });
  return Load.on(service.server, (load) => measure(run, size, service, load));
}

async function measure(
  { scope }: Run,
  size: Size,
  service: CrowdedService,
  load: Load,
): Promise<Findings> {
  const { inspector, pid } = service;
  const verdict = new Verdict();
  const others = streamNumbers(size.streams - live.length, live.length);
  await load.follow(live, 1);
  const liveWriters = await load.writeTo(live);
  for (const poster of liveWriters) poster.post();
  await comeAndGo(service, size, load);
  const usedBefore = await inspector.usedMib();
  const residentBefore = residentMib(pid);
  const pacer = scope.add(new Pacer(liveWriters, eventsPerSecond), (one) => one.stop());
  const memory = scope.add(new PeakMemory(pid), (one) => one.stop());

  await begin(load, others);
  const filledAt = performance.now();
  verdict.note('RSS with all streams, MB', residentMib(pid));
  const usedFull = await inspector.usedMib();
  verdict.note('in use with all streams, MB', usedFull);
  verdict.note('of a stream, bytes', ((usedFull - usedBefore) * 2 ** 20) / size.streams);
  if (service.redis === null) await checkLimit(service, size, verdict);
  await load.observe(1000);
  const half = others.filter((stream) => Math.floor(stream / sessionStreams) % 2 === 1);
  await forget(service, half);
  await load.observe(Math.max(0, filledAt + size.ttlMs * 1.5 - performance.now()));
  for (const stream of [others[0], others.at(-1)]) {
    const { status } = await fetch(`${service.url}${pathOf(stream as number)}`);
    verdict.must(status === 404, `stream ${stream} is still there: ${status}`);
  }
  pacer.stop();
  await load.settle();
  const usedAfter = await inspector.usedMib();
  verdict.atMost('peak of RSS, MB', memory.takeMib(), residentBefore + maxMib + garbageMib);
  const mostGrowth = Math.max(leastGrowthMib, usedBefore * growthShare);
  verdict.note('in use before, MB', usedBefore);
  verdict.atMost('in use afterwards, more by, MB', usedAfter - usedBefore, mostGrowth);
  verdict.note('RSS afterwards, more by, MB', residentMib(pid) - residentBefore);
  void sleep;
  return verdict.findings({ acknowledgedAppends: load.stored, acknowledgedEvents: load.stored });
}

async function checkLimit({ url }: CrowdedService, size: Size, verdict: Verdict): Promise<void> {
  for (const stream of streamNumbers(tooMany, size.streams)) {
    const { status, body } = await post(`${url}${pathOf(stream)}/events`, { type: 'answer' });
    const isRefused = status === 507 && body.code === 'store_full' && body.stored === 0;
    verdict.must(isRefused, `one stream too many got ${status} ${JSON.stringify(body)}`);
  }
}

/** Whatever the service needs for the first streams is not counted. */
async function comeAndGo(service: CrowdedService, size: Size, load: Load): Promise<void> {
  const streams = streamNumbers(firstStreams, size.streams + tooMany);
  await begin(load, streams);
  await forget(service, streams);
}

/** Appends an event to each. */
async function begin(load: Load, streams: readonly number[]): Promise<void> {
  const posters = await load.writeToAll(streams, writers);
  for (const poster of posters) poster.postToEach();
  await load.until('all streams have begun', () => posters.every(({ isIdle }) => isIdle));
  for (const poster of posters) poster.close(); // the service would, after a while
}

async function forget({ url }: CrowdedService, streams: readonly number[]): Promise<void> {
  const sessions = [...new Set(streams.map(sessionPathOf))];
  await inWaves(sessions, async (session) => {
    const { status } = await fetch(`${url}${session}`, { method: 'DELETE' });
    if (status !== 204) throw new Error(`a deletion got ${status}`);
  });
}

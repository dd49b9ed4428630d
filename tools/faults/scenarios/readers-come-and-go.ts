import { residentMib } from '../../../test/support/memory.js';
import { post } from '../../../test/support/worker.js';
import { Load } from '../../bench/load/load.js';
import { ndjsonBody } from '../../bench/load/ndjson-upload.js';
import { Pacer } from '../../bench/load/pacer.js';
import { streamNumbers } from '../../bench/scenarios/scenario.js';
import type { Fault, Run } from '../fault.js';
import type { Findings } from '../findings.js';
import { requireDescriptors } from '../load-profiles/file-descriptors.js';
import { holdingsOf, openedFeedsOf, whatIsLeft } from '../load-profiles/holdings.js';
import { Measures } from '../load-profiles/measures.js';
import {
  type Backend,
  type ProfiledService,
  startService,
} from '../load-profiles/profiled-service.js';
import { comeAndGo } from '../load-profiles/visitor.js';

interface Size {
  readonly feeds: number;
  /** Feeds that come and go before anything is measured. */
  readonly firstFeeds: number;
}

const full: Size = { feeds: 20_000, firstFeeds: 3000 };
const small: Size = { feeds: 400, firstFeeds: 200 };

/** How many come and go at a time. */
const visitors = 100;

const live = streamNumbers(20);
const long = streamNumbers(10, 20);
const ended = streamNumbers(10, 30);
/** With those that do not exist. */
const streamCount = 200;
const longEvents = 2000;
const eventsPerSecond = 100;

/** What a client may come back with: nothing, or an id of a stream that was another one. */
const lastIds = [null, null, null, '3-00000001'];

/** A third of the visits wait until their feed is open; the others may have left before. */
const minShareOpened = 0.2;
const maxMsUntilGone = 60_000;
const minGrowthMib = 20;
const growthShare = 0.1;

export const readersComeAndGoInMemory = readersComeAndGo('memory', 'readers-come-and-go-memory');
export const readersComeAndGoOnRedis = readersComeAndGo('Redis', 'readers-come-and-go-redis');

function readersComeAndGo(backend: Backend, name: string): Fault {
  return {
    name,
    backend,
    title: `${full.feeds} feeds are opened and closed, in any way and at any moment, ${visitors} at a time`,
    promise:
      'afterwards sockets, timers, feeds, followed streams and subscriptions are as before, the heap within 20 MB or 10 %; other readers lose nothing',
    runs: 1,
    inject: (run) => inject(run, backend),
  };
}

async function inject(run: Run, backend: Backend): Promise<Findings> {
  requireDescriptors(visitors);
  const service = await startService(run.scope, backend);
  return Load.on(service.server, (load) => measure(run, service, load));
}

async function measure(run: Run, service: ProfiledService, load: Load): Promise<Findings> {
  const size = run.isFull ? full : small;
  await prepare(service, load);
  const before = await holdingsOf(service);
  await visit(run, size.firstFeeds, service);
  const leftFirst = await whatIsLeft(service, before, maxMsUntilGone);
  const { inspector, pid } = service;
  const usedBefore = await inspector.usedMib();
  const residentBefore = residentMib(pid);

  const posters = await load.writeTo(live);
  const openedBefore = await openedFeedsOf(service);
  const pacer = run.scope.add(new Pacer(posters, eventsPerSecond), (one) => one.stop());
  await visit(run, size.feeds, service);
  pacer.stop();
  await load.drain();
  load.closeWriters();

  const measures = new Measures();
  const left = await whatIsLeft(service, before, maxMsUntilGone);
  for (const breach of [...leftFirst, ...left]) measures.must(false, breach);
  const usedAfter = await inspector.usedMib();
  const maxGrowth = Math.max(minGrowthMib, usedBefore * growthShare);
  const opened = (await openedFeedsOf(service)) - openedBefore;
  measures.must(opened > size.feeds * minShareOpened, `only ${opened} feeds were opened`);
  measures.note('feeds opened', opened);
  measures.note('heap before, MB', usedBefore);
  measures.atMost('heap grown by, MB', usedAfter - usedBefore, maxGrowth);
  measures.note('RSS grown by, MB', residentMib(pid) - residentBefore);
  return measures.findings({ acknowledgedAppends: load.stored, acknowledgedEvents: load.stored });
}

async function prepare({ server, url }: ProfiledService, load: Load): Promise<void> {
  const bodies = long.map((stream) => ndjsonBody(stream, longEvents));
  await load.upload(long, bodies, longEvents);
  for (const stream of ended) await post(url + server.appendPath(stream), { type: 'complete' });
  await load.follow(live, 1);
}

/** Has that many feeds opened and left. */
async function visit({ random }: Run, feeds: number, { server }: ProfiledService): Promise<void> {
  const { port } = server;
  let begun = 0;
  const visitOnAndOn = async () => {
    while (begun < feeds) {
      begun += 1;
      const path = server.followPath(Math.floor(random() * streamCount));
      const lastId = lastIds[Math.floor(random() * lastIds.length)] ?? null;
      await comeAndGo({ port, path, lastId, random });
    }
  };
  await Promise.all(Array.from({ length: visitors }, visitOnAndOn));
}

import { healthP99Ms } from '../load/health-probe.js';
import { busyFigures } from '../load/interval.js';
import { Load } from '../load/load.js';
import { kernelKb, usageOf } from '../process-usage.js';
import type { Server } from '../systems/system.js';
import {
  type FigureColumn,
  type Figures,
  manyFeeds,
  type Scenario,
  type Size,
  streamNumbers,
} from './scenario.js';

const someFeeds = 5000;
const sharedStreams = 50;
const connections = 16;

/** This many feeds come and go before: what a server needs for the first ones is not theirs. */
const firstFeeds = 100;

/** Streams of those. */
const firstStream = 90_000;

/** After so long, nothing of the opening is left to do. */
const quietMs = 2000;

const idleSystems = ['rejoin', 'rejoin-redis', 'bare', 'poll', 'nchan', 'durable-streams'] as const;

const columns: readonly FigureColumn[] = [
  { name: 'residentKbPerFeed', title: 'KB per feed', digits: 1, better: 'lower' },
  { name: 'kernelKbPerFeed', title: 'KB of kernel, both ends', digits: 1, better: 'lower' },
  { name: 'serverPercent', title: 'CPU %', digits: 2, better: 'lower' },
  { name: 'storePercent', title: 'CPU % of Redis', digits: 2, better: 'lower' },
  { name: 'commandsPerStream', title: 'Redis commands/s per stream', digits: 4, better: 'lower' },
  { name: 'healthP99Ms', title: '/healthz p99 ms', digits: 1, better: 'lower' },
];

export const idle: Scenario = {
  name: 'idle',
  title: `${someFeeds} idle feeds, each on a stream of its own with one event`,
  systems: idleSystems,
  job: { bare: 'keep', nodes: 1 },
  usualSeconds: 20,
  usualRounds: 1,
  figures: columns,
  aims: [
    { system: 'rejoin', figure: 'residentKbPerFeed', atMost: 14 },
    { system: 'rejoin', figure: 'serverPercent', atMost: 2 },
    { system: 'rejoin-redis', figure: 'serverPercent', atMost: 3 },
    { system: 'rejoin-redis', figure: 'storePercent', atMost: 1 },
    { system: 'rejoin-redis', figure: 'commandsPerStream', atMost: 0.02 },
  ],
  run: (server, size) =>
    holdFeeds(server, size, someFeeds / size.smaller, someFeeds / size.smaller),
};

export const idleShared: Scenario = {
  ...idle,
  name: 'idle-shared',
  title: `${someFeeds} idle feeds, on ${sharedStreams} streams`,
  aims: [
    { system: 'rejoin', figure: 'residentKbPerFeed', atMost: 14 },
    { system: 'rejoin', figure: 'serverPercent', atMost: 2 },
    { system: 'rejoin-redis', figure: 'commandsPerStream', atMost: 2 },
  ],
  run: (server, size) => {
    return holdFeeds(
      server,
      size,
      someFeeds / size.smaller,
      Math.ceil(sharedStreams / size.smaller),
    );
  },
};

export const idleMany: Scenario = {
  ...idle,
  name: 'idle-many',
  title: '18000 idle feeds, each on a stream of its own with one event; 100000 with --large',
  systems: ['rejoin', 'rejoin-redis'],
  aims: (['rejoin', 'rejoin-redis'] as const).flatMap((system) => [
    { system, figure: 'residentKbPerFeed', atMost: 12 },
    { system, figure: 'serverPercent', atMost: 5 },
    { system, figure: 'healthP99Ms', atMost: 50 },
  ]),
  run: (server, size) => holdFeeds(server, size, manyFeeds(size), manyFeeds(size)),
};

async function holdFeeds(
  server: Server,
  size: Size,
  feeds: number,
  streamCount: number,
): Promise<Figures> {
  const first = streamNumbers(firstFeeds, firstStream);
  await openFeeds(server, first, first, async () => {});
  const before = usageOf(server.pids).residentKb;
  const kernelBefore = kernelKb();
  const streams = streamNumbers(streamCount);
  const followed = streamNumbers(feeds).map((feed) => feed % streamCount);
  return openFeeds(server, streams, followed, async (load) => {
    await load.observe(Math.min(quietMs, size.seconds * 1000));
    const measured = await load.observe(size.seconds * 1000);
    const grown = usageOf(server.pids).residentKb - before;
    const kernelGrown = kernelKb() - kernelBefore;
    const countedSeconds = size.seconds / 2;
    const observed = () => load.observe(countedSeconds * 1000);
    const commands = await server.storeCommands(observed);
    return {
      ...busyFigures(measured),
      residentKbPerFeed: grown / followed.length,
      kernelKbPerFeed: kernelGrown / followed.length,
      commandsPerStream: commands / streamCount / countedSeconds,
      healthP99Ms: await healthP99Ms(server, observed()),
    };
  });
}

/** Appends an event to each stream, and opens a feed of each that is followed. */
function openFeeds<T>(
  server: Server,
  streams: readonly number[],
  followed: readonly number[],
  then: (load: Load) => Promise<T>,
): Promise<T> {
  return Load.on(server, async (load) => {
    await server.create(streams);
    for (const poster of await load.writeToAll(streams, connections)) poster.postToEach();
    await load.drain();
    load.closeWriters();
    await load.follow(followed, 1);
    await load.drain();
    return then(load);
  });
}

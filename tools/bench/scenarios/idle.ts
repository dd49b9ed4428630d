import { busyFigures } from '../load/interval.js';
import { Load } from '../load/load.js';
import { usageOf } from '../process-usage.js';
import type { Server } from '../systems/system.js';
import {
  type FigureColumn,
  type Figures,
  type Scenario,
  type Size,
  streamNumbers,
} from './scenario.js';

const feeds = 5000;
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
  { name: 'serverPercent', title: 'CPU %', digits: 2, better: 'lower' },
  { name: 'commandsPerStream', title: 'Redis commands/s per stream', digits: 2, better: 'lower' },
];

export const idle: Scenario = {
  name: 'idle',
  title: `${feeds} idle feeds, each on a stream of its own with one event`,
  systems: idleSystems,
  job: { bare: 'keep', nodes: 1 },
  usualSeconds: 20,
  usualRounds: 1,
  figures: columns,
  aims: [
    { system: 'rejoin', figure: 'residentKbPerFeed', atMost: 14 },
    { system: 'rejoin', figure: 'serverPercent', atMost: 2 },
    { system: 'rejoin-redis', figure: 'commandsPerStream', atMost: 2 },
  ],
  run: (server, size) => holdFeeds(server, size, feeds / size.smaller),
};

export const idleShared: Scenario = {
  ...idle,
  name: 'idle-shared',
  title: `${feeds} idle feeds, on ${sharedStreams} streams`,
  run: (server, size) => holdFeeds(server, size, Math.ceil(sharedStreams / size.smaller)),
};

async function holdFeeds(server: Server, size: Size, streamCount: number): Promise<Figures> {
  const first = streamNumbers(firstFeeds, firstStream);
  await openFeeds(server, first, first, async () => {});
  const before = usageOf(server.pids).residentKb;
  const streams = streamNumbers(streamCount);
  const followed = streamNumbers(feeds / size.smaller).map((feed) => feed % streamCount);
  return openFeeds(server, streams, followed, async (load) => {
    await load.observe(Math.min(quietMs, size.seconds * 1000));
    const commandsBefore = await server.storeCommands();
    const measured = await load.observe(size.seconds * 1000);
    const commands = (await server.storeCommands()) - commandsBefore;
    const grown = usageOf(server.pids).residentKb - before;
    return {
      ...busyFigures(measured),
      residentKbPerFeed: grown / followed.length,
      commandsPerStream: commands / streamCount / measured.seconds,
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

import { setTimeout as sleep } from 'node:timers/promises';
import { busyFigures } from '../load/interval.js';
import { Load } from '../load/load.js';
import type { Subscriber } from '../load/subscriber.js';
import type { Server } from '../systems/system.js';
import { type Figures, manyFeeds, type Scenario, type Size, streamNumbers } from './scenario.js';

/** Within which all come back, each at a time of its own. */
const returnMs = 10_000;

const connections = 16;
const sharedStreams = 180;

export const herd: Scenario = {
  name: 'herd',
  title:
    '18000 feeds, each on a stream of its own, dropped at once and back within 10 s; 100000 with --large',
  systems: ['rejoin', 'rejoin-redis'],
  job: { bare: 'keep', nodes: 1, watchesLoop: true },
  usualRounds: 1,
  figures: [
    { name: 'resumedSeconds', title: 's until all are back', digits: 1, better: 'lower' },
    { name: 'commandsPerStream', title: 'Redis commands per stream', digits: 2, better: 'lower' },
    { name: 'longestBlockMs', title: 'longest block ms', better: 'lower' },
  ],
  aims: [
    { system: 'rejoin', figure: 'resumedSeconds', atMost: 30 },
    { system: 'rejoin', figure: 'longestBlockMs', atMost: 100 },
    { system: 'rejoin-redis', figure: 'resumedSeconds', atMost: 30 },
    { system: 'rejoin-redis', figure: 'commandsPerStream', atMost: 2 },
    { system: 'rejoin-redis', figure: 'longestBlockMs', atMost: 100 },
  ],
  run: (server, size) => returnAll(server, size, manyFeeds(size)),
};

export const herdShared: Scenario = {
  ...herd,
  name: 'herd-shared',
  title: `18000 feeds of ${sharedStreams} streams, dropped at once and back within 10 s; 100000 with --large`,
  run: (server, size) => returnAll(server, size, Math.ceil(sharedStreams / size.smaller)),
};

/** While they are away, each stream gets an event, which all must have in the end. */
async function returnAll(server: Server, size: Size, streamCount: number): Promise<Figures> {
  const streams = streamNumbers(streamCount);
  const followed = streamNumbers(manyFeeds(size)).map((feed) => feed % streamCount);
  return Load.on(server, async (load) => {
    await server.create(streams);
    const writers = await load.writeToAll(streams, connections);
    for (const writer of writers) writer.postToEach();
    await load.drain();
    const feeds = await load.follow(followed, 1, true);
    await load.drain();
    for (const feed of feeds) feed.close();
    for (const writer of writers) writer.postToEach();
    await load.until('writers have their responses', () => writers.every(({ isIdle }) => isIdle));
    load.closeWriters();
    await load.observe(2000);
    await server.longestBlockMs(); // begins anew
    let resumedSeconds = 0;
    let busy = {};
    const commands = await server.storeCommands(async () => {
      const startedAt = performance.now();
      const measured = await load.during(() => resumeAll(load, feeds));
      resumedSeconds = (performance.now() - startedAt) / 1000;
      busy = busyFigures(measured);
    });
    return {
      ...busy,
      resumedSeconds,
      commandsPerStream: commands / streamCount,
      longestBlockMs: await server.longestBlockMs(),
    };
  });
}

async function resumeAll(load: Load, feeds: readonly Subscriber[]): Promise<void> {
  const returns = feeds.map(async (feed) => {
    await sleep(Math.random() * returnMs);
    await feed.resume();
  });
  await Promise.all(returns);
  await load.until('feeds are open again', () => feeds.every(({ isOpen }) => isOpen));
  await load.drain();
}

import { busyFigures, type Interval, sumOf } from '../load/interval.js';
import { Load } from '../load/load.js';
import { ndjsonBody } from '../load/ndjson-upload.js';
import type { Server } from '../systems/system.js';
import { type Scenario, type Size, streamNumbers } from './scenario.js';

/** What is sent before what was stored is deleted, as the store in memory takes 256 MiB. */
const eventsAtOnce = 96_000;

const severalRequests = 8;

export const ndjson: Scenario = {
  name: 'ndjson',
  title: `one NDJSON request of ${eventsAtOnce} events with producer headers, or ${severalRequests} at once`,
  systems: ['rejoin', 'rejoin-redis', 'bare'],
  job: { bare: 'keep', nodes: 1 },
  figures: [
    { name: 'storedPerSecond', title: 'events/s', better: 'higher' },
    { name: 'storedPerCoreSecond', title: 'events per core-second', better: 'higher' },
    { name: 'storedPerSecondOf8', title: 'of 8: events/s', better: 'higher' },
    { name: 'storedPerCoreSecondOf8', title: 'of 8: per core-second', better: 'higher' },
  ],
  aims: [
    { system: 'rejoin', figure: 'storedPerSecond', atLeast: 200_000 },
    { system: 'rejoin-redis', figure: 'storedPerSecond', atLeast: 100_000 },
  ],
  run: async (server, size) => {
    const one = await uploads(server, size, 1);
    const several = await uploads(server, size, severalRequests);
    return {
      storedPerSecond: one.stored / one.seconds,
      storedPerCoreSecond: (one.stored / one.serverCpuUs) * 1e6,
      storedPerSecondOf8: several.stored / several.seconds,
      storedPerCoreSecondOf8: (several.stored / several.serverCpuUs) * 1e6,
      ...busyFigures(one),
    };
  },
};

/** What the first round stores is read back; the others send the same bodies to other streams. */
async function uploads(server: Server, size: Size, requests: number): Promise<Interval> {
  const events = Math.floor(eventsAtOnce / size.smaller / requests);
  let streams = streamNumbers(requests, requests * 1000);
  const bodies = streams.map((stream) => ndjsonBody(stream, events));
  await Load.on(server, async (load) => {
    await load.upload(streams, bodies, events);
    await load.follow(streams, 1);
    await load.drain();
  });
  const rounds: Interval[] = [];
  while (sumOf(rounds).seconds < size.seconds / 2) {
    await server.deleteStreams(streams);
    streams = streams.map((stream) => stream + requests);
    const again = (load: Load) => load.during(() => load.upload(streams, bodies, events));
    rounds.push(await Load.on(server, again));
  }
  await server.deleteStreams(streams);
  return sumOf(rounds);
}

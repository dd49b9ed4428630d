import { busyFigures } from '../load/interval.js';
import { Load } from '../load/load.js';
import type { Server } from '../systems/system.js';
import { type Figures, type Scenario, type Size, streamNumbers } from './scenario.js';

const connections = 32;

/** What the store in memory takes by default, with some room. */
const maxEvents = 300_000;

export const singlePost: Scenario = {
  name: 'single-post',
  title: `${connections} keep-alive connections, each appending single events to a stream of its own`,
  systems: ['rejoin', 'rejoin-redis', 'bare', 'bare-redis', 'poll', 'nchan', 'durable-streams'],
  job: { bare: 'discard', nodes: 1 },
  figures: [
    { name: 'storedPerSecond', title: 'appended/s', better: 'higher' },
    { name: 'cpuUsPerAppend', title: 'CPU µs per append', digits: 1, better: 'lower' },
    { name: 'storeCpuUsPerAppend', title: 'Redis CPU µs per append', digits: 1, better: 'lower' },
  ],
  aims: [
    { system: 'rejoin', figure: 'storedPerSecond', atLeast: 0.7, times: 'bare' },
    { system: 'rejoin', figure: 'storedPerSecond', atLeast: 1.3, times: 'durable-streams' },
    { system: 'rejoin-redis', figure: 'cpuUsPerAppend', atMost: 1.6, times: 'rejoin' },
    { system: 'rejoin-redis', figure: 'storeCpuUsPerAppend', atMost: 2, times: 'bare-redis' },
  ],
  run: (server, size) => appendSingly(server, size, false),
};

export const producerPost: Scenario = {
  ...singlePost,
  name: 'producer-post',
  title: `${connections} keep-alive connections, each a producer that appends single events to a stream of its own`,
  systems: ['rejoin', 'rejoin-redis', 'bare', 'bare-redis'],
  aims: [
    { system: 'rejoin', figure: 'storedPerSecond', atLeast: 0.6, times: 'bare' },
    { system: 'rejoin-redis', figure: 'cpuUsPerAppend', atMost: 1.6, times: 'rejoin' },
    { system: 'rejoin-redis', figure: 'storeCpuUsPerAppend', atMost: 2, times: 'bare-redis' },
  ],
  run: (server, size) => appendSingly(server, size, true),
};

async function appendSingly(
  server: Server,
  { seconds, smaller }: Size,
  areProducers: boolean,
): Promise<Figures> {
  const streams = streamNumbers(Math.ceil(connections / smaller));
  await server.create(streams);
  return Load.on(server, async (load) => {
    const posters = await load.writeTo(streams, areProducers);
    for (const poster of posters) poster.onIdle = () => poster.post();
    for (const poster of posters) poster.post();
    const isFull = () => load.stored > maxEvents;
    await load.observe(Math.min(1500, seconds * 400), isFull);
    const measured = await load.observe(seconds * 1000, isFull);
    load.stopWriters();
    await load.drain();
    return {
      storedPerSecond: measured.stored / measured.seconds,
      cpuUsPerAppend: measured.serverCpuUs / measured.stored,
      storeCpuUsPerAppend:
        server.storePids.length > 0 ? measured.storeCpuUs / measured.stored : Number.NaN,
      ...busyFigures(measured),
    };
  });
}

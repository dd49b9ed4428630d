import { busyFigures } from '../load/interval.js';
import { latencyColumns, latencyFigures, runPaced } from './paced-load.js';
import type { Scenario } from './scenario.js';

export const latency: Scenario = {
  name: 'latency',
  title:
    '1 writer with an event every 20 ms and 1 reader; on Redis, at different service processes',
  systems: ['rejoin', 'rejoin-redis', 'bare', 'bare-pubsub', 'poll', 'nchan', 'durable-streams'],
  job: { bare: 'fan-out', nodes: 2 },
  usualSeconds: 8,
  figures: latencyColumns,
  aims: [
    { system: 'rejoin', figure: 'p50Ms', atMost: 0.6 },
    { system: 'rejoin-redis', figure: 'p50Ms', atMost: 1.5 },
    { system: 'rejoin-redis', figure: 'p50Ms', atMost: 1.5, times: 'bare-pubsub' },
  ],
  run: async (server, { seconds }) => {
    const paced = { streams: [0], subscribers: 1, connections: 1, perSecond: 50, seconds };
    const measured = await runPaced(server, paced);
    return { ...latencyFigures(measured), ...busyFigures(measured) };
  },
};

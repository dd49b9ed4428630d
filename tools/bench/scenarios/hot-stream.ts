import { busyFigures } from '../load/interval.js';
import { latencyColumns, latencyFigures, runPaced } from './paced-load.js';
import type { Scenario } from './scenario.js';

const subscribers = 10_000;
const perSecond = 5;

export const hotStream: Scenario = {
  name: 'hot-stream',
  title: `1 stream, ${subscribers} subscribers, ${perSecond} events/s`,
  systems: ['rejoin', 'rejoin-redis', 'bare'],
  job: { bare: 'fan-out', nodes: 1, watchesLoop: true },
  usualSeconds: 10,
  figures: [
    ...latencyColumns,
    { name: 'longestBlockMs', title: 'longest block ms', better: 'lower' },
  ],
  aims: (['rejoin', 'rejoin-redis'] as const).flatMap((system) => [
    { system, figure: 'longestBlockMs', atMost: 20 },
    { system, figure: 'p99Ms', atMost: 150 },
  ]),
  run: async (server, { seconds, smaller }) => {
    const measured = await runPaced(server, {
      streams: [0],
      subscribers: subscribers / smaller,
      connections: 1,
      perSecond,
      seconds,
      onMeasure: () => server.longestBlockMs(),
    });
    return {
      ...latencyFigures(measured),
      longestBlockMs: await server.longestBlockMs(),
      ...busyFigures(measured),
    };
  },
};

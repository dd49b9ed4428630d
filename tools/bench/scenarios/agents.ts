import { busyFigures } from '../load/interval.js';
import { latencyColumns, latencyFigures, runPaced } from './paced-load.js';
import { type Scenario, streamNumbers } from './scenario.js';

const agents = 300;
const perSecond = 3000;

export const agentRuns: Scenario = {
  name: 'agents',
  title: `${agents} streams with a writer and a subscriber each, ${perSecond} events/s together`,
  systems: ['rejoin', 'rejoin-redis', 'bare', 'poll', 'nchan', 'durable-streams'],
  job: { bare: 'fan-out', nodes: 1 },
  figures: [
    { name: 'eventsPerSecond', title: 'events/s', better: 'higher' },
    ...latencyColumns,
    { name: 'cpuUsPerDelivery', title: 'CPU µs per event', digits: 1, better: 'lower' },
  ],
  aims: [],
  run: async (server, { seconds, smaller }) => {
    const streams = streamNumbers(agents / smaller);
    const connections = streams.length;
    const measured = await runPaced(server, {
      streams,
      subscribers: 1,
      connections,
      perSecond: perSecond / smaller,
      seconds,
    });
    return {
      eventsPerSecond: measured.delivered / measured.seconds,
      ...latencyFigures(measured),
      cpuUsPerDelivery: measured.serverCpuUs / measured.delivered,
      ...busyFigures(measured),
    };
  },
};

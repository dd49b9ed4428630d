import { busyFigures } from '../load/interval.js';
import type { Server } from '../systems/system.js';
import { latencyColumns, latencyFigures, runPaced } from './paced-load.js';
import type { FigureColumn, Figures, Scenario, Size } from './scenario.js';

const subscribers = 1000;
const connections = 8;

const columns: readonly FigureColumn[] = [
  { name: 'eventsPerSecond', title: 'events/s', digits: 1, better: 'higher' },
  ...latencyColumns,
  { name: 'cpuUsPerDelivery', title: 'CPU µs per delivery', digits: 2, better: 'lower' },
];

/** More than can be written one by one: it takes several events in a write. */
export const fanOut300: Scenario = {
  name: 'fan-out-300',
  title: `1 stream, ${subscribers} subscribers, 300 events/s`,
  systems: ['rejoin', 'rejoin-redis', 'bare', 'poll', 'nchan'],
  job: { bare: 'fan-out', nodes: 1 },
  usualSeconds: 10,
  figures: columns,
  aims: [
    { system: 'rejoin', figure: 'eventsPerSecond', atLeast: 297 },
    { system: 'rejoin', figure: 'p99Ms', atMost: 60 },
  ],
  run: (server, size) => fanOutAt(server, size, 300),
};

export const fanOut50: Scenario = {
  name: 'fan-out-50',
  title: `1 stream, ${subscribers} subscribers, 50 events/s`,
  systems: ['rejoin', 'rejoin-redis', 'bare', 'poll', 'nchan'],
  job: { bare: 'fan-out', nodes: 1 },
  figures: columns,
  aims: [{ system: 'rejoin', figure: 'cpuUsPerDelivery', atMost: 1.15, times: 'bare' }],
  run: (server, size) => fanOutAt(server, size, 50),
};

async function fanOutAt(server: Server, size: Size, perSecond: number): Promise<Figures> {
  const readers = subscribers / size.smaller;
  const { seconds } = size;
  const paced = { streams: [0], subscribers: readers, connections, perSecond, seconds };
  const measured = await runPaced(server, paced);
  return {
    eventsPerSecond: measured.delivered / readers / measured.seconds,
    ...latencyFigures(measured),
    cpuUsPerDelivery: measured.serverCpuUs / measured.delivered,
    ...busyFigures(measured),
  };
}

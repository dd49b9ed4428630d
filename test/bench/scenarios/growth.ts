import type { Server } from '../systems/system.js';
import { runPaced } from './paced-load.js';
import { type FigureColumn, type Figures, type Scenario, streamNumbers } from './scenario.js';

/** The same number of deliveries, to ever more subscribers of one stream. */
export const subscriberPoints = [100, 1000, 5000] as const;
const deliveriesPerSecond = 20_000;

/** The same number of events, to ever more streams of one subscriber. */
const streamPoints = [1, 100, 5000] as const;
const eventsPerSecond = 1000;

const connections = 8;

/** The first streams of the second half are not those of the first half. */
const streamsOfPoint = 10_000;

export const growth: Scenario = {
  name: 'growth',
  title: `CPU per delivery: ${deliveriesPerSecond} deliveries/s to the subscribers of 1 stream, ${eventsPerSecond} events/s to streams of 1 subscriber`,
  systems: ['rejoin', 'bare', 'poll', 'nchan'],
  job: { bare: 'fan-out', nodes: 1 },
  usualSeconds: 3,
  figures: [
    ...subscriberPoints.map((count) => column(subscriberFigure(count), `${count} subscribers, µs`)),
    column('subscriberGrowth', 'last : first'),
    ...streamPoints.map((count) => column(streamFigure(count), `${count} streams, µs`)),
    column('streamGrowth', 'last : first'),
  ],
  aims: [
    { system: 'rejoin', figure: 'subscriberGrowth', atMost: 1.2 },
    { system: 'rejoin', figure: 'streamGrowth', atMost: 1.2 },
  ],
  run: async (server, { seconds, smaller }) => {
    const figures: Record<string, number> = {};
    for (const [index, count] of subscriberPoints.entries()) {
      const stream = (index + 1) * streamsOfPoint;
      const readers = { streams: [stream], subscribers: count / smaller };
      const perSecond = deliveriesPerSecond / count;
      figures[subscriberFigure(count)] = await costUs(server, { ...readers, perSecond, seconds });
    }
    for (const [index, count] of streamPoints.entries()) {
      const streams = streamNumbers(Math.ceil(count / smaller), (index + 5) * streamsOfPoint);
      const readers = { streams, subscribers: 1 };
      figures[streamFigure(count)] = await costUs(server, {
        ...readers,
        perSecond: eventsPerSecond / smaller,
        seconds,
      });
    }
    return { ...figures, ...growthFactors(figures) };
  },
};

export function subscriberFigure(count: number): string {
  return `cpuUsOf${count}Subscribers`;
}

function streamFigure(count: number): string {
  return `cpuUsOf${count}Streams`;
}

function column(name: string, title: string): FigureColumn {
  return { name, title, digits: 2 };
}

type Point = Omit<Parameters<typeof runPaced>[1], 'connections'>;

async function costUs(server: Server, point: Point): Promise<number> {
  const { serverCpuUs, delivered } = await runPaced(server, { ...point, connections });
  return serverCpuUs / delivered;
}

function growthFactors(figures: Figures): Figures {
  const factor = (first: string, last: string) =>
    (figures[last] as number) / (figures[first] as number);
  return {
    subscriberGrowth: factor(subscriberFigure(100), subscriberFigure(5000)),
    streamGrowth: factor(streamFigure(1), streamFigure(5000)),
  };
}

import { busyFigures, type Interval, sumOf } from '../load/interval.js';
import { type PacedLoad, runPaced } from './paced-load.js';
import {
  type FigureColumn,
  type Figures,
  type Scenario,
  type Size,
  streamNumbers,
} from './scenario.js';

/** The same number of deliveries, to ever more subscribers of one stream. */
export const subscriberPoints = [100, 1000, 5000] as const;
const deliveriesPerSecond = 20_000;

/** The same number of events, to ever more streams of one subscriber. */
const streamPoints = [1, 100, 15_000] as const;
const eventsPerSecond = 1000;

const connections = 8;

/** As many streams as a point may have. */
const streamsOfPoint = 20_000;
/** The streams of the points with many subscribers are behind all of those. */
const firstOfSubscribers = 90_000;

export const growth: Scenario = {
  name: 'growth',
  title: `CPU per delivery: ${deliveriesPerSecond} deliveries/s to the subscribers of 1 stream, ${eventsPerSecond} events/s to streams of 1 subscriber`,
  systems: ['rejoin', 'bare', 'poll', 'nchan'],
  job: { bare: 'fan-out', nodes: 1 },
  usualSeconds: 3,
  figures: [
    ...subscriberPoints.map((count) => column(subscriberFigure(count), `${count} subscribers, µs`)),
    column('subscriberGrowth', 'cost of 5000 : of 100'),
    ...streamPoints.map((count) => column(streamFigure(count), `${count} streams, µs`)),
    column('streamGrowth', 'cost of 15000 : of 1'),
  ],
  aims: [
    { system: 'rejoin', figure: 'subscriberGrowth', atMost: 1.15 },
    { system: 'rejoin', figure: 'streamGrowth', atMost: 1.15 },
  ],
  run: async (server, size) => {
    const intervals: Interval[] = [];
    const figures: Record<string, number> = {};
    for (const { figure, ...point } of pointsOf(size)) {
      const measured = await runPaced(server, point);
      intervals.push(measured);
      figures[figure] = measured.serverCpuUs / measured.delivered;
    }
    return { ...figures, ...growthFactors(figures), ...busyFigures(sumOf(intervals)) };
  },
};

interface Point extends PacedLoad {
  readonly figure: string;
}

/** No stream is in two of them. */
function pointsOf({ seconds, smaller }: Size): Point[] {
  const ofSubscribers = subscriberPoints.map((count, index) => ({
    figure: subscriberFigure(count),
    streams: [firstOfSubscribers + index],
    subscribers: count / smaller,
    perSecond: deliveriesPerSecond / count,
  }));
  const ofStreams = streamPoints.map((count, index) => ({
    figure: streamFigure(count),
    streams: streamNumbers(Math.ceil(count / smaller), index * streamsOfPoint),
    subscribers: 1,
    perSecond: eventsPerSecond / smaller,
  }));
  return [...ofSubscribers, ...ofStreams].map((point) => ({ ...point, connections, seconds }));
}

export function subscriberFigure(count: number): string {
  return `cpuUsOf${count}Subscribers`;
}

function streamFigure(count: number): string {
  return `cpuUsOf${count}Streams`;
}

function column(name: string, title: string): FigureColumn {
  return { name, title, digits: 2, better: 'lower' };
}

function growthFactors(figures: Figures): Figures {
  const factor = (first: string, last: string) =>
    (figures[last] as number) / (figures[first] as number);
  return {
    subscriberGrowth: factor(subscriberFigure(100), subscriberFigure(5000)),
    streamGrowth: factor(streamFigure(1), streamFigure(15_000)),
  };
}

import { busyFigures, type Interval, sumOf } from '../load/interval.js';
import { Load } from '../load/load.js';
import { type Figures, type Scenario, timesStream } from './scenario.js';

const storedEvents = 10_000;
const subscribers = 50;
const writers = 16;

export const replay: Scenario = {
  name: 'replay',
  title: `${storedEvents} stored events, read by ${subscribers} subscribers who connect at once`,
  systems: ['rejoin', 'rejoin-redis', 'bare', 'poll', 'nchan', 'durable-streams'],
  job: { bare: 'keep', nodes: 1 },
  figures: [
    { name: 'deliveredPerSecond', title: 'delivered/s', better: 'higher' },
    { name: 'cpuUsPerDelivery', title: 'CPU µs per delivery', digits: 2, better: 'lower' },
  ],
  aims: [
    { system: 'rejoin', figure: 'deliveredPerSecond', atLeast: 45, times: 'nchan' },
    { system: 'rejoin', figure: 'deliveredPerSecond', atLeast: 15, times: 'durable-streams' },
    { system: 'rejoin-redis', figure: 'deliveredPerSecond', atLeast: 45, times: 'nchan' },
    { system: 'rejoin-redis', figure: 'deliveredPerSecond', atLeast: 15, times: 'durable-streams' },
  ],
  run: async (server, { seconds, smaller }) => {
    await server.create([0]);
    return Load.on(server, async (load) => {
      await fill(load, storedEvents / smaller);
      await readOnce(load, smaller);
      return readAgain(load, seconds, smaller);
    });
  },
};

async function fill(load: Load, events: number): Promise<void> {
  const posters = await load.writeTo(timesStream(0, writers));
  let posted = 0;
  for (const poster of posters) {
    poster.onIdle = () => {
      if (posted < events) poster.post();
      posted += 1;
    };
    poster.onIdle();
  }
  await load.until('the stream is filled', () => load.stored >= events);
  load.closeWriters();
}

/** Reads until it has been measured for so long, by other subscribers each time. */
async function readAgain(load: Load, seconds: number, smaller: number): Promise<Figures> {
  const reads: Interval[] = [];
  while (sumOf(reads).seconds < seconds) reads.push(await readOnce(load, smaller));
  const all = sumOf(reads);
  return {
    deliveredPerSecond: all.delivered / all.seconds,
    cpuUsPerDelivery: all.serverCpuUs / all.delivered,
    ...busyFigures(all),
  };
}

/** Connecting is part of what is measured. */
async function readOnce(load: Load, smaller: number): Promise<Interval> {
  const readers = subscribers / smaller;
  const measured = await load.during(async () => {
    await load.follow(timesStream(0, readers), writers);
    await load.until('all is read', () => load.delivered >= load.stored * readers);
  });
  await load.drain();
  load.leave();
  return measured;
}

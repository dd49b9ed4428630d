import { busyFigures } from '../load/interval.js';
import { Load } from '../load/load.js';
import { type Scenario, timesStream } from './scenario.js';

const subscribers = 100;
const writers = 64;

/** A stream of Rejoin takes 100,000 events by default. */
const maxEvents = 95_000;

export const fanOut: Scenario = {
  name: 'fan-out',
  title: `1 stream, ${subscribers} subscribers, ${writers} writers who append single events, each as soon as the response to the one before has come`,
  systems: ['rejoin', 'rejoin-redis', 'bare', 'poll', 'nchan', 'durable-streams'],
  job: { bare: 'fan-out', nodes: 1 },
  figures: [
    { name: 'deliveredPerSecond', title: 'delivered/s', better: 'higher' },
    { name: 'storedPerSecond', title: 'appended/s', better: 'higher' },
    { name: 'cpuUsPerDelivery', title: 'CPU µs per delivery', digits: 2, better: 'lower' },
  ],
  aims: [{ system: 'rejoin', figure: 'deliveredPerSecond', atLeast: 6, times: 'nchan' }],
  run: async (server, { seconds, smaller }) => {
    await server.create([0]);
    return Load.on(server, async (load) => {
      await load.follow(timesStream(0, subscribers / smaller), writers);
      const posters = await load.writeTo(timesStream(0, Math.ceil(writers / smaller)));
      for (const poster of posters) poster.onIdle = () => poster.post();
      for (const poster of posters) poster.post();
      const isFull = () => load.stored > maxEvents;
      await load.observe(Math.min(1000, seconds * 250), isFull);
      const measured = await load.observe(seconds * 1000, isFull);
      load.stopWriters();
      await load.drain();
      return {
        deliveredPerSecond: measured.delivered / measured.seconds,
        storedPerSecond: measured.stored / measured.seconds,
        cpuUsPerDelivery: measured.serverCpuUs / measured.delivered,
        ...busyFigures(measured),
      };
    });
  },
};

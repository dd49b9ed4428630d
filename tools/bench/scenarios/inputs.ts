import { busyFigures } from '../load/interval.js';
import { Load } from '../load/load.js';
import { Pacer } from '../load/pacer.js';
import type { Poster } from '../load/poster.js';
import type { Server } from '../systems/system.js';
import { warmUpSeconds } from './paced-load.js';
import { type Figures, type Scenario, type Size, streamNumbers } from './scenario.js';

/** For the throughput. */
const connections = 32;

/** What the store in memory takes by default, with some room. */
const maxInputs = 300_000;

/** For the latencies: of inputs, and as many of events. */
const perSecond = 50;

export const inputs: Scenario = {
  name: 'inputs',
  title: `1 stream with an event and an input every ${1000 / perSecond} ms in turn, and a reader of each, on Redis at the other service process; then ${connections} keep-alive connections, each sending single inputs to a stream of its own, which are read afterwards`,
  systems: ['rejoin', 'rejoin-redis'],
  job: { bare: 'discard', nodes: 2 },
  usualSeconds: 8,
  figures: [
    { name: 'p50Ms', title: 'p50 ms', digits: 2, better: 'lower' },
    { name: 'p99Ms', title: 'p99 ms', digits: 2, better: 'lower' },
    { name: 'eventP50Ms', title: 'p50 ms of events', digits: 2, better: 'lower' },
    { name: 'p50Ratio', title: 'p50 : that of events', digits: 2, better: 'lower' },
    { name: 'storedPerSecond', title: 'inputs/s', better: 'higher' },
    { name: 'cpuUsPerInput', title: 'CPU µs per input', digits: 1, better: 'lower' },
    { name: 'storeCpuUsPerInput', title: 'Redis CPU µs per input', digits: 1, better: 'lower' },
  ],
  aims: [{ system: 'rejoin-redis', figure: 'p50Ratio', atMost: 1.3 }],
  run: async (server, size) => ({
    ...(await measureLatencies(server, size)),
    ...(await measureThroughput(server, size)),
  }),
};

/** The same system, whose inputs are written and followed in place of its events. */
function inputsOf(server: Server): Server {
  if (server.inputs === undefined) throw new Error('the system has no inputs');
  return { ...server, ...server.inputs, takesEachIdOnce: true };
}

/** Events and inputs are due in turn, so that whatever disturbs the machine disturbs both. */
function measureLatencies(server: Server, { seconds }: Size): Promise<Figures> {
  return Load.on(server, (events) =>
    Load.on(inputsOf(server), async (inputs) => {
      const writers = [await beginStream(events), await beginStream(inputs)];
      const pacer = new Pacer(writers, perSecond * writers.length);
      try {
        await events.observe(Math.min(warmUpSeconds, seconds * 2) * 1000);
        for (const { latency } of [events, inputs]) latency.clear();
        await events.observe(seconds * 1000);
        return latencyFigures(events, inputs);
      } finally {
        pacer.stop();
        await checkAll(events);
        await checkAll(inputs);
      }
    }),
  );
}

async function beginStream(load: Load): Promise<Poster> {
  await load.follow([0], 1);
  const [writer] = await load.writeTo([0]);
  writer?.post();
  await load.drain();
  return writer as Poster;
}

function latencyFigures(events: Load, inputs: Load): Figures {
  const p50Ms = inputs.latency.percentileMs(0.5);
  const eventP50Ms = events.latency.percentileMs(0.5);
  const p99Ms = inputs.latency.percentileMs(0.99);
  return { p50Ms, p99Ms, eventP50Ms, p50Ratio: p50Ms / eventP50Ms };
}

async function measureThroughput(server: Server, { seconds, smaller }: Size): Promise<Figures> {
  const streams = streamNumbers(Math.ceil(connections / smaller), 1);
  await openStreams(server, streams);
  return Load.on(inputsOf(server), async (load) => {
    const posters = await load.writeTo(streams);
    for (const poster of posters) poster.onIdle = () => poster.post();
    for (const poster of posters) poster.post();
    const isFull = () => load.stored > maxInputs;
    await load.observe(Math.min(1500, seconds * 400), isFull);
    const measured = await load.observe(seconds * 1000, isFull);
    load.stopWriters();
    await load.follow(streams, 1);
    await load.drain();
    const { stored, serverCpuUs, storeCpuUs } = measured;
    return {
      storedPerSecond: stored / measured.seconds,
      cpuUsPerInput: serverCpuUs / stored,
      storeCpuUsPerInput: server.storePids.length > 0 ? storeCpuUs / stored : Number.NaN,
      ...busyFigures(measured),
    };
  });
}

/** Inputs are for streams that exist. */
function openStreams(server: Server, streams: readonly number[]): Promise<void> {
  return Load.on(server, async (load) => {
    const posters = await load.writeTo(streams);
    for (const poster of posters) poster.post();
    await load.drain();
  });
}

async function checkAll(load: Load): Promise<void> {
  load.stopWriters();
  await load.drain();
}

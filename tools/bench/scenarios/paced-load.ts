import type { Interval } from '../load/interval.js';
import type { LatencyHistogram } from '../load/latency-histogram.js';
import { Load } from '../load/load.js';
import { Pacer } from '../load/pacer.js';
import type { Poster } from '../load/poster.js';
import type { Server } from '../systems/system.js';

export interface PacedLoad {
  readonly streams: readonly number[];
  /** Of each stream. */
  readonly subscribers: number;
  /** Connections that the events are appended on, in turn. */
  readonly connections: number;
  /** Events of all streams together. */
  readonly perSecond: number;
  readonly seconds: number;
  /** Called when the warm-up is over. */
  readonly onMeasure?: () => Promise<unknown>;
}

export interface PacedResult extends Interval {
  /** Of all that was due in the interval, whenever it came. */
  readonly latency: LatencyHistogram;
}

/** What is not measured, as code gets compiled and buffers grow; less only where little is. */
export const warmUpSeconds = 3;

/** How long a server gets to make up for a slow beginning. Not all ever do. */
const catchUpSeconds = 5;

/** Appends at a rate, to streams that exist by then, and checks at the end that every subscriber has everything. */
export async function runPaced(server: Server, paced: PacedLoad): Promise<PacedResult> {
  await server.create(paced.streams);
  return Load.on(server, async (load) => {
    const followed = paced.streams.flatMap((stream) =>
      Array.from({ length: paced.subscribers }, () => stream),
    );
    await load.follow(followed, paced.connections);
    const writers = await openWriters(load, paced);
    for (const writer of writers) writer.postToEach();
    await load.drain();
    const pacer = new Pacer(writers, paced.perSecond);
    try {
      await load.observe(Math.min(warmUpSeconds, paced.seconds * 2) * 1000);
      const hasCaughtUp = () => !writers.some(({ isBehind }) => isBehind);
      await load.observe(catchUpSeconds * 1000, hasCaughtUp);
      await paced.onMeasure?.();
      load.latency.clear();
      const measured = await load.observe(paced.seconds * 1000);
      return { ...measured, latency: load.latency };
    } finally {
      pacer.stop();
      load.stopWriters();
      await load.drain();
    }
  });
}

function openWriters(load: Load, { streams, connections }: PacedLoad): Promise<Poster[]> {
  const [only] = streams;
  if (streams.length > 1 || only === undefined) return load.writeToAll(streams, connections);
  return load.writeTo(Array.from({ length: connections }, () => only));
}

export function latencyFigures({ latency }: PacedResult) {
  return { p50Ms: latency.percentileMs(0.5), p99Ms: latency.percentileMs(0.99) };
}

export const latencyColumns = [
  { name: 'p50Ms', title: 'p50 ms', digits: 2, better: 'lower' },
  { name: 'p99Ms', title: 'p99 ms', digits: 2, better: 'lower' },
] as const;

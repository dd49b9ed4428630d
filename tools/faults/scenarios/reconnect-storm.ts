import { setTimeout as sleep } from 'node:timers/promises';
import { nowUs } from '../../bench/load/event-stamp.js';
import { Ledger, type WrittenStream } from '../../bench/load/ledger.js';
import { Load } from '../../bench/load/load.js';
import { Pacer } from '../../bench/load/pacer.js';
import type { Poster } from '../../bench/load/poster.js';
import { inWaves } from '../../bench/load/waves.js';
import { streamNumbers } from '../../bench/scenarios/scenario.js';
import type { Fault, Run } from '../fault.js';
import type { Findings } from '../findings.js';
import { requireDescriptors } from '../load-profiles/file-descriptors.js';
import { Measures } from '../load-profiles/measures.js';
import { PeakMemory } from '../load-profiles/peak-memory.js';
import {
  type Backend,
  type ProfiledService,
  startService,
} from '../load-profiles/profiled-service.js';
import { ResumingReader } from '../load-profiles/resuming-reader.js';

interface Size {
  readonly feeds: number;
  readonly streams: number;
  readonly storms: number;
}

/** One after the other: many readers of each stream, some, and one. */
const fullStreams = [50, 500, 5000];
const fullFeeds = 5000;
const fullStorms = 10;
const small: Size = { feeds: 500, streams: 50, storms: 2 };

/** Within which all come back. */
const stormMs = 2000;
/** Feeds that are not dropped. */
const steadyFeeds = 50;
/** Of all streams together, and of each at most one: five thousand feeds get about as many. */
const maxEventsPerSecond = 500;
const writers = 50;

const maxMib = 350;
const maxMsUntilResumed = 15_000;
const maxP99Ms = 1000;
/** Between two storms. */
const calmMs = 500;

export const reconnectStormInMemory = reconnectStorm('memory', 'reconnect-storm-memory');
export const reconnectStormOnRedis = reconnectStorm('Redis', 'reconnect-storm-redis');

function reconnectStorm(backend: Backend, name: string): Fault {
  return {
    name,
    backend,
    title: `${fullFeeds} feeds, on ${fullStreams.join(', ')} streams, are dropped at once and reconnect within 2 s, ${fullStorms} times`,
    promise:
      'no gap and no repeat; all resume within 15 s; p99 of live events at most 1 s; at most 350 MB',
    runs: fullStreams.length,
    inject: async (run) => {
      const streams = fullStreams[run.index % fullStreams.length] as number;
      const size = run.isFull ? { feeds: fullFeeds, streams, storms: fullStorms } : small;
      requireDescriptors(size.feeds + steadyFeeds);
      const service = await startService(run.scope, backend);
      return Load.on(service.server, (load) =>
        new ReconnectStorm(run, size, service, load).inject(),
      );
    },
  };
}

class ReconnectStorm {
  readonly #readers: readonly ResumingReader[];
  #posters: readonly Poster[] = [];

  constructor(
    readonly run: Run,
    readonly size: Size,
    readonly service: ProfiledService,
    readonly load: Load,
  ) {
    const { port, followPath } = service.server;
    const { latency } = load;
    this.#readers = streamNumbers(size.feeds).map((feed) => {
      const stream = feed % size.streams;
      return new ResumingReader({ port, path: followPath(stream), stream, latency });
    });
    run.scope.add(this.#readers, (all) => all.forEach((reader) => void reader.close()));
  }

  async inject(): Promise<Findings> {
    const { run, size, load, service } = this;
    const memory = run.scope.add(new PeakMemory(service.pid), (one) => one.stop());
    await this.#begin();
    const pacer = new Pacer(this.#posters, Math.min(size.streams, maxEventsPerSecond));
    run.scope.add(pacer, () => pacer.stop());
    load.latency.clear();
    let slowestMs = 0;
    for (let storm = 0; storm < size.storms; storm += 1) {
      await load.observe(calmMs);
      slowestMs = Math.max(slowestMs, await this.#dropAll());
    }
    const p99Ms = load.latency.percentileMs(0.99);
    pacer.stop();

    const measures = new Measures();
    measures.atMost('all resumed after, ms', slowestMs, maxMsUntilResumed);
    measures.atMost('p99 of live events, ms', p99Ms, maxP99Ms);
    measures.atMost('RSS, MB', memory.takeMib(), maxMib);
    measures.note('in use with all feeds, MB', await service.inspector.usedMib());
    await this.#checkDelivery(measures);
    return measures.findings({ acknowledgedAppends: load.stored, acknowledgedEvents: load.stored });
  }

  /** An event in each stream, and all feeds. */
  async #begin(): Promise<void> {
    const streams = streamNumbers(this.size.streams);
    this.#posters = await this.load.writeToAll(streams, writers);
    for (const poster of this.#posters) poster.postToEach();
    await this.load.drain();
    await this.load.follow(streams.slice(0, steadyFeeds), 1);
    await inWaves(this.#readers, (reader) => reader.connect());
    await this.load.observe(maxMsUntilResumed, () => this.#haveResumed());
  }

  /** Resolves with the milliseconds until the last one has resumed. */
  async #dropAll(): Promise<number> {
    const stored = new Ledger(this.#sent);
    const startedAtUs = nowUs();
    for (const reader of this.#readers) reader.drop(stored.eventsOf(reader.options.stream));
    const returns = this.#readers.map(async (reader) => {
      await sleep(this.run.random() * stormMs);
      await reader.connect();
    });
    await Promise.all(returns);
    await this.load.observe(2 * maxMsUntilResumed, () => this.#haveResumed());
    const times = this.#readers.map(({ resumedAtUs }) => resumedAtUs ?? Number.POSITIVE_INFINITY);
    return (Math.max(...times) - startedAtUs) / 1000;
  }

  #haveResumed(): boolean {
    return this.#readers.every(({ resumedAtUs }) => resumedAtUs !== null);
  }

  async #checkDelivery(measures: Measures): Promise<void> {
    const checks = this.#readers.map(({ check }) => check);
    this.load.stopWriters();
    await this.load.drain();
    const missing = () => new Ledger(this.#sent).firstMissing(checks);
    await this.load.observe(maxMsUntilResumed, () => missing() === null);
    measures.must(missing() === null, `I1, not all was delivered: ${missing()}`);
    for (const { fault } of this.#readers) measures.must(fault === null, `I2, I3, I12: ${fault}`);
  }

  get #sent(): WrittenStream[] {
    return this.#posters.flatMap(({ sent }) => sent);
  }
}

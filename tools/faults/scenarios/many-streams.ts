import { residentMib } from '../../../test/support/memory.js';
import { post } from '../../../test/support/worker.js';
import { Load } from '../../bench/load/load.js';
import { Pacer } from '../../bench/load/pacer.js';
import type { Poster } from '../../bench/load/poster.js';
import { inWaves } from '../../bench/load/waves.js';
import { streamNumbers } from '../../bench/scenarios/scenario.js';
import type { Fault, Run } from '../fault.js';
import type { Findings } from '../findings.js';
import { Measures } from '../load-profiles/measures.js';
import { PeakMemory } from '../load-profiles/peak-memory.js';
import {
  type Backend,
  type ProfiledService,
  pathOf,
  sessionPathOf,
  sessionStreams,
  startService,
} from '../load-profiles/profiled-service.js';

interface Size {
  readonly streams: number;
  readonly ttlMs: number;
  /** How long is waited then until the tombstones have gone too. */
  readonly tombstoneMs: number;
}

const full: Size = { streams: 100_000, ttlMs: 60_000, tombstoneMs: 15_000 };
const small: Size = { streams: 600, ttlMs: 10_000, tombstoneMs: 0 };

/** Appended to and followed all the time. */
const live = streamNumbers(20);
/** Come before anything is measured, and are deleted. */
const firstStreams = 500;
const writers = 16;
const eventsPerSecond = 20;
const tooMany = 50;
/** For the live streams to go on beside all the others. */
const calmMs = 1000;

/** `memory.max_bytes`, by default. */
const maxMib = 256;
/** Garbage of a busy service takes as much as what is in use, before V8 cares. */
const maxGrowthOfRssMib = 2 * maxMib;
const minGrowthMib = 20;
const growthShare = 0.1;

export const manyStreamsInMemory = manyStreams('memory', 'many-streams-memory');
export const manyStreamsOnRedis = manyStreams('Redis', 'many-streams-redis');

function manyStreams(backend: Backend, name: string): Fault {
  const isLimited = backend === 'memory' ? ', which is the limit' : '';
  return {
    name,
    backend,
    title: `${full.streams} streams${isLimited}; then half of them are deleted, and half expire`,
    promise:
      'at the limit new streams get 507 with `stored: 0`, and others are not affected; RSS grows by at most twice `memory.max_bytes`, and the heap in use returns to within 20 MB or 10 %',
    runs: 1,
    inject: async (run) => {
      const size = run.isFull ? full : small;
      const service = await startService(run.scope, backend, {
        STREAM_TTL: `${size.ttlMs}ms`,
        MEMORY_MAX_STREAMS: String(size.streams),
      });
      return Load.on(service.server, (load) => new ManyStreams(run, size, service, load).inject());
    },
  };
}

class ManyStreams {
  readonly #measures = new Measures();
  readonly #others: readonly number[];

  constructor(
    readonly run: Run,
    readonly size: Size,
    readonly service: ProfiledService,
    readonly load: Load,
  ) {
    this.#others = streamNumbers(size.streams - live.length, live.length);
  }

  async inject(): Promise<Findings> {
    const { load, service } = this;
    const { inspector, pid } = service;
    const measures = this.#measures;
    const writers = await this.#beginLive();
    await this.#comeAndGo();
    const usedBefore = await inspector.usedMib();
    const residentBefore = residentMib(pid);
    const memory = this.run.scope.add(new PeakMemory(pid), (one) => one.stop());
    const pacer = new Pacer(writers, eventsPerSecond);
    this.run.scope.add(pacer, () => pacer.stop());

    const begunAt = performance.now();
    await begin(load, this.#others);
    const usedFull = await inspector.usedMib();
    measures.note('in use for a stream, bytes', (usedFull - usedBefore) * bytesOfEach(this.size));
    if (service.redis === null) await this.#tryMore(begunAt + this.size.ttlMs);
    await load.observe(calmMs);
    await this.#endAll();
    pacer.stop();
    await load.drain();

    measures.note('RSS before, MB', residentBefore);
    measures.atMost('peak RSS, MB', memory.takeMib(), residentBefore + maxGrowthOfRssMib);
    measures.note('RSS grown by afterwards, MB', residentMib(pid) - residentBefore);
    const maxGrowth = Math.max(minGrowthMib, usedBefore * growthShare);
    const growth = (await inspector.usedMib()) - usedBefore;
    measures.note('in use before, MB', usedBefore);
    measures.note('in use with all streams, MB', usedFull);
    measures.atMost('I11, in use grown by afterwards, MB', growth, maxGrowth);
    return measures.findings({ acknowledgedAppends: load.stored, acknowledgedEvents: load.stored });
  }

  async #beginLive(): Promise<Poster[]> {
    await this.load.follow(live, 1);
    const posters = await this.load.writeTo(live);
    for (const poster of posters) poster.post();
    await this.load.drain();
    return posters;
  }

  /** What the service needs for the first streams and keeps is not theirs. */
  async #comeAndGo(): Promise<void> {
    const streams = streamNumbers(firstStreams, this.size.streams + tooMany);
    await begin(this.load, streams);
    await deleteStreams(this.service, streams);
  }

  /** @param roomAt when the first of the others may have expired, after which there is room */
  async #tryMore(roomAt: number): Promise<void> {
    for (const stream of streamNumbers(tooMany, this.size.streams)) {
      const url = `${this.service.url}${pathOf(stream)}/events`;
      const { status, body } = await post(url, { type: 'answer' });
      if (performance.now() >= roomAt) return;
      const isRejected = status === 507 && body.code === 'store_full' && body.stored === 0;
      const got = `${status} ${JSON.stringify(body)}`;
      this.#measures.must(isRejected, `stream ${stream} was one too many, and got ${got}`);
    }
  }

  /** Deletes half of the sessions, and waits until the others have expired. */
  async #endAll(): Promise<void> {
    const isDeleted = (stream: number) => Math.floor(stream / sessionStreams) % 2 === 1;
    await deleteStreams(this.service, this.#others.filter(isDeleted));
    const last = this.#others.findLast((stream) => !isDeleted(stream)) as number;
    const deadline = performance.now() + 2 * this.size.ttlMs + 60_000;
    while (performance.now() < deadline && (await this.#isThere(last))) {
      await this.load.observe(100);
    }
    this.#measures.must(!(await this.#isThere(last)), 'a stream does not expire');
    await this.load.observe(this.size.tombstoneMs);
  }

  async #isThere(stream: number): Promise<boolean> {
    return (await fetch(`${this.service.url}${pathOf(stream)}`)).status === 200;
  }
}

function bytesOfEach({ streams }: Size): number {
  return 2 ** 20 / streams;
}

/** Appends an event to each. */
async function begin(load: Load, streams: readonly number[]): Promise<void> {
  const posters = await load.writeToAll(streams, writers);
  for (const poster of posters) poster.postToEach();
  await load.until('all streams have begun', () => posters.every(({ isIdle }) => isIdle));
  for (const poster of posters) poster.close(); // the service would, after a while
}

async function deleteStreams({ url }: ProfiledService, streams: readonly number[]): Promise<void> {
  const sessions = [...new Set(streams.map(sessionPathOf))];
  await inWaves(sessions, async (session) => {
    const { status } = await fetch(`${url}${session}`, { method: 'DELETE' });
    if (status !== 204) throw new Error(`a deletion got ${status}`);
  });
}

import { residentMib } from '../../../test/support/memory.js';
import { scrape } from '../../../test/support/scrape.js';
import { waitFor } from '../../../test/support/wait-for.js';
import { Load } from '../../bench/load/load.js';
import { ndjsonBody } from '../../bench/load/ndjson-upload.js';
import { Pacer } from '../../bench/load/pacer.js';
import type { Subscriber } from '../../bench/load/subscriber.js';
import { inWaves } from '../../bench/load/waves.js';
import { streamNumbers } from '../../bench/scenarios/scenario.js';
import type { Fault, Run } from '../fault.js';
import type { Findings } from '../findings.js';
import { BulkProducer } from '../load-profiles/bulk-producer.js';
import { requireDescriptors } from '../load-profiles/file-descriptors.js';
import { openFeedsOf } from '../load-profiles/holdings.js';
import { Measures } from '../load-profiles/measures.js';
import { PeakMemory } from '../load-profiles/peak-memory.js';
import {
  type Backend,
  type ProfiledService,
  startService,
} from '../load-profiles/profiled-service.js';
import { typicalP99Ms } from '../load-profiles/typical-delay.js';
import { openUnreadFeed } from '../load-profiles/unread-feed.js';

interface Size {
  readonly unread: number;
  readonly steadyStreams: number;
  readonly storedEvents: number;
  readonly beforeMs: number;
  /** How long the feeds are left unread; null until the service has given them up. */
  readonly unreadMs: number | null;
}

const full: Size = {
  unread: 200,
  steadyStreams: 50,
  storedEvents: 90_000,
  beforeMs: 10_000,
  unreadMs: null,
};

/** The service's write timeout is longer than a test may take. */
const small: Size = {
  unread: 40,
  steadyStreams: 10,
  storedEvents: 40_000,
  beforeMs: 1000,
  unreadMs: 1500,
};

/** Of each steady stream. */
const readers = 2;
const eventsPerSecond = 200;
const bulkEveryMs = 100;

const maxKbOfFeed = 512;
const maxMsUntilGone = 45_000;
/** For so long the sockets of the feeds are being filled; then they stand still. */
const maxFillingMs = 5000;
/** By how much a typical 99th percentile differs from one time to the next. */
const noiseMs = 10;

const environment = { LIMITS_STREAM_BYTES: '256MiB', MEMORY_MAX_BYTES: '512MiB' };

export const unreadFeedsInMemory = unreadFeeds('memory', 'unread-feeds-memory');
export const unreadFeedsOnRedis = unreadFeeds('Redis', 'unread-feeds-redis');

function unreadFeeds(backend: Backend, name: string): Fault {
  return {
    name,
    backend,
    title: `${full.unread} clients open feeds of a long stream, and of one with a fast producer, and never read`,
    promise:
      'each costs at most 0.5 MB and is closed within 45 s; other readers lose nothing and wait no longer',
    runs: 1,
    inject: async (run) => {
      const size = run.isFull ? full : small;
      requireDescriptors(size.unread);
      const service = await startService(run.scope, backend, environment);
      return Load.on(service.server, (load) => new UnreadFeeds(run, size, service, load).inject());
    },
  };
}

class UnreadFeeds {
  /** Reads what the fast producer appends. */
  #bulkReader: Subscriber | undefined;
  #pacer: Pacer | undefined;

  constructor(
    readonly run: Run,
    readonly size: Size,
    readonly service: ProfiledService,
    readonly load: Load,
  ) {}

  async inject(): Promise<Findings> {
    const { run, size, service, load } = this;
    const producer = await this.#begin();
    const storedMib = () => (service.redis === null ? producer.storedMib : 0);
    const memory = new PeakMemory(service.pid, storedMib);
    run.scope.add(memory, () => memory.stop());
    const usedMib = async () => (await service.inspector.usedMib()) - storedMib();

    const openBefore = await openFeedsOf(service);
    await load.observe(size.beforeMs / 2); // whatever is needed for the first time
    const p99Before = await typicalP99Ms(load, size.beforeMs);
    const usedBefore = await usedMib();
    const residentBefore = residentMib(service.pid) - storedMib();
    memory.takeMib();
    const openedAt = performance.now();
    const p99Filling = await this.#open();
    const unread = async () => (await openFeedsOf(service)) - openBefore;
    await waitFor('all feeds are open', async () => (await unread()) >= size.unread);
    const used = (await usedMib()) - usedBefore;
    const p99Unread = await typicalP99Ms(
      load,
      size.unreadMs ?? openedAt + 2 * maxMsUntilGone - performance.now(),
      async () => size.unreadMs === null && (await openFeedsOf(service)) <= openBefore,
    );
    const goneAfterMs = performance.now() - openedAt;
    const resident = memory.takeMib() - residentBefore;
    await this.#drain(producer);

    const measures = new Measures();
    const kbOfFeed = (mib: number) => (mib * 1024) / size.unread;
    // Shared by few feeds, garbage would be most of it.
    if (size === full) measures.atMost('RSS of a feed, KB', kbOfFeed(resident), maxKbOfFeed);
    measures.atMost('in use for a feed, KB', kbOfFeed(used), maxKbOfFeed);
    measures.note('p99 of others before, ms', p99Before);
    measures.note('p99 of others while sockets fill, ms', p99Filling);
    // In the tests, others work beside it.
    if (size === full) {
      measures.atMost('p99 of others meanwhile, ms', p99Unread, 2 * p99Before + noiseMs);
    }
    if (size.unreadMs === null) {
      measures.atMost('gone after, ms', goneAfterMs, maxMsUntilGone);
      const cut = (await scrape(service.url)).get('rejoin_feeds_closed_total{reason="slow"}');
      measures.must(cut === size.unread, `${cut} feeds were cut because they stood still`);
    }
    const stored = load.stored + producer.storedEvents;
    const acknowledgedAppends = load.stored + producer.requests;
    return measures.findings({ acknowledgedAppends, acknowledgedEvents: stored });
  }

  /** A long stream, steady streams, and a fast producer, all of them with readers who do read. */
  async #begin(): Promise<BulkProducer> {
    const { scope } = this.run;
    const { load, size } = this;
    const { server } = this.service;
    const steady = streamNumbers(size.steadyStreams);
    await load.upload([this.#long], [ndjsonBody(this.#long, size.storedEvents)], size.storedEvents);
    await load.follow([...timesEach(steady, readers), this.#long], 1);
    await load.drain();
    [this.#bulkReader] = await load.follow([this.#bulk], 1);
    const producer = await BulkProducer.begin(server, this.#bulk, bulkEveryMs);
    scope.add(producer, () => producer.close());
    this.#pacer = new Pacer(await load.writeTo(steady), eventsPerSecond);
    scope.add(this.#pacer, (pacer) => pacer.stop());
    return producer;
  }

  /** Resolves with the delay of the others meanwhile. */
  async #open(): Promise<number> {
    const { server } = this.service;
    const paths = [this.#long, this.#bulk].map((stream) => server.followPath(stream));
    const opening = inWaves(streamNumbers(this.size.unread), (index) =>
      openUnreadFeed(server.port, paths[index % paths.length] as string),
    );
    const fillingMs = Math.min(this.size.unreadMs ?? maxFillingMs, maxFillingMs);
    const delayMs = await typicalP99Ms(this.load, fillingMs);
    const sockets = await opening;
    this.run.scope.add(sockets, () => sockets.forEach((socket) => void socket.destroy()));
    return delayMs;
  }

  /** Waits until the others have all that was stored. */
  async #drain(producer: BulkProducer): Promise<void> {
    const { load } = this;
    producer.stop();
    this.#pacer?.stop();
    load.stopWriters();
    await load.until('the fast producer has its responses', () => producer.isIdle);
    await load.drain();
    const check = this.#bulkReader?.check;
    const hasAll = () => check?.missing([producer.storedEvents]) === null;
    await load.until('all of the fast producer is delivered', hasAll);
  }

  get #long(): number {
    return this.size.steadyStreams;
  }

  get #bulk(): number {
    return this.size.steadyStreams + 1;
  }
}

function timesEach(streams: readonly number[], times: number): number[] {
  return streams.flatMap((stream) => Array(times).fill(stream) as number[]);
}

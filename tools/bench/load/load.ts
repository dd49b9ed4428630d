import { setTimeout as sleep } from 'node:timers/promises';
import { machineCpuUs, usageOf } from '../process-usage.js';
import type { Server } from '../systems/system.js';
import { difference, type Interval } from './interval.js';
import { LatencyHistogram } from './latency-histogram.js';
import { Ledger, type WrittenStream } from './ledger.js';
import { upload } from './ndjson-upload.js';
import { Poster, type Target } from './poster.js';
import { Subscriber } from './subscriber.js';
import { untilCondition } from './until-condition.js';
import { Wakefulness } from './wakefulness.js';
import { inWaves } from './waves.js';

/** What is waited for has failed when nothing has been stored or delivered for so long. */
const defaultStallMs = 60_000;

/** The writers and readers of one measurement. */
export class Load {
  readonly latency = new LatencyHistogram();
  readonly #posters: Poster[] = [];
  readonly #uploads: WrittenStream[] = [];
  readonly #writers = new Map<number, number>();
  #subscribers: Subscriber[] = [];
  readonly #wakefulness: Wakefulness | null;
  #fault: string | null = null;
  #isClosing = false;

  private constructor(
    readonly server: Server,
    readonly stallMs: number,
  ) {
    this.#wakefulness = Wakefulness.begin(server.storePids.length > 0);
  }

  /** @throws Error when anything was lost, repeated or rejected meanwhile */
  static async on<T>(
    server: Server,
    measure: (load: Load) => Promise<T>,
    stallMs = defaultStallMs,
  ): Promise<T> {
    const load = new Load(server, stallMs);
    try {
      return await measure(load);
    } finally {
      load.#close();
    }
  }

  /**
   * Opens feeds, and waits until they have begun.
   *
   * @param writers of each stream, at most
   * @param keepsId whether they can be resumed
   */
  async follow(
    streams: readonly number[],
    writers: number,
    keepsId = false,
  ): Promise<Subscriber[]> {
    const { port } = this.server;
    const { latency } = this;
    const opened = await inWaves(streams, (stream) => {
      const path = this.server.followPath(stream);
      const onFault = this.#onFault;
      return Subscriber.open({ port, path, stream, writers, latency, onFault, keepsId });
    });
    this.#subscribers.push(...opened);
    await this.until('feeds are open', () => opened.every(({ isOpen }) => isOpen));
    return opened;
  }

  /**
   * Opens a connection to append on for each of these; those of one stream are numbered.
   *
   * @param areProducers whether they number their appends
   */
  writeTo(streams: readonly number[], areProducers = false): Promise<Poster[]> {
    const shares = streams.map((stream) => [stream]);
    return this.#openPosters(shares, areProducers);
  }

  /** Opens that many connections, among which the streams are shared out. */
  writeToAll(streams: readonly number[], connections: number): Promise<Poster[]> {
    const used = streams.slice(0, connections);
    const shares = used.map((_, index) => streams.filter((_, at) => at % connections === index));
    return this.#openPosters(shares);
  }

  /** Appends each of the bodies, with that many events, to its stream, all at once. */
  async upload(
    streams: readonly number[],
    bodies: readonly Buffer[],
    events: number,
  ): Promise<void> {
    await Promise.all(
      streams.map(async (stream, index) => {
        const path = this.server.appendPath(stream);
        await upload(this.server.writerPort, path, bodies[index] as Buffer);
        this.#uploads.push({ stream, events });
      }),
    );
  }

  /** Has nothing more sent. */
  stopWriters(): void {
    for (const poster of this.#posters) poster.stop();
  }

  /** Closes the connections of all writers, which a server would do when they are idle for long. */
  closeWriters(): void {
    for (const poster of this.#posters) poster.close();
  }

  /** Closes all feeds, of which nothing is expected any more. */
  leave(): void {
    for (const subscriber of this.#subscribers) subscriber.close();
    this.#subscribers = [];
  }

  /** What happens while the time runs, or until `isOver`. */
  observe(ms: number, isOver: () => boolean = () => false): Promise<Interval> {
    return this.during(async () => {
      const deadline = performance.now() + ms;
      while (performance.now() < deadline && !isOver()) {
        await sleep(Math.min(50, Math.max(1, deadline - performance.now())));
        this.#throwFault();
      }
    });
  }

  /** What happens while that is done. */
  async during(action: () => Promise<void>): Promise<Interval> {
    const before = this.#measure();
    await action();
    return difference(before, this.#measure());
  }

  /** Waits until every event has its response and is delivered to every reader of its stream. */
  async drain(): Promise<void> {
    await this.until('writers have their responses', () =>
      this.#posters.every(({ isIdle }) => isIdle),
    );
    const checks = this.#subscribers.map(({ check }) => check);
    const ledger = new Ledger([...this.#posters.flatMap(({ sent }) => sent), ...this.#uploads]);
    const isDelivered = () =>
      checks.every((check) => check.events >= ledger.eventsOf(check.stream));
    await this.until('all is delivered', isDelivered, () => ledger.firstMissing(checks));
    const missing = ledger.firstMissing(checks);
    if (missing !== null) throw new Error(missing);
  }

  get stored(): number {
    const posted = this.#posters.reduce((total, { stored }) => total + stored, 0);
    return this.#uploads.reduce((total, { events }) => total + events, posted);
  }

  get delivered(): number {
    return this.#subscribers.reduce((total, { check }) => total + check.events, 0);
  }

  /** @throws Error when nothing happens any more before the condition holds */
  until(
    what: string,
    condition: () => boolean,
    explain: () => string | null = () => null,
  ): Promise<void> {
    return untilCondition({
      what,
      condition: () => {
        this.#throwFault();
        return condition();
      },
      progress: () => this.#done,
      stallMs: this.stallMs,
      explain,
    });
  }

  /** Grows with all that happens. */
  get #done(): number {
    const open = this.#subscribers.filter(({ isOpen }) => isOpen).length;
    return this.stored + this.delivered + open;
  }

  async #openPosters(
    shares: readonly (readonly number[])[],
    areProducers = false,
  ): Promise<Poster[]> {
    const port = this.server.writerPort;
    const opened = await inWaves(shares, (streams) => {
      const targets = streams.map((stream) => this.#target(stream, areProducers));
      return Poster.open({ port, targets, onFault: this.#onFault });
    });
    this.#posters.push(...opened);
    return opened;
  }

  #target(stream: number, isProducer: boolean): Target {
    const writer = this.#writers.get(stream) ?? 0;
    this.#writers.set(stream, writer + 1);
    const { takesEachIdOnce = false } = this.server;
    const path = this.server.appendPath(stream);
    return { stream, writer, isProducer, path, needsIds: takesEachIdOnce };
  }

  #close(): void {
    this.#wakefulness?.end();
    this.#isClosing = true;
    for (const connection of [...this.#posters, ...this.#subscribers]) connection.close();
  }

  readonly #onFault = (reason: string): void => {
    if (!this.#isClosing) this.#fault ??= reason;
  };

  #throwFault(): void {
    if (this.#fault !== null) throw new Error(this.#fault);
  }

  /** Everything since the beginning. */
  #measure(): Interval {
    const { user, system } = process.cpuUsage();
    return {
      seconds: performance.now() / 1000,
      delivered: this.delivered,
      stored: this.stored,
      serverCpuUs: usageOf(this.server.pids).cpuUs,
      storeCpuUs: usageOf(this.server.storePids).cpuUs,
      generatorCpuUs: user + system,
      generatorBusyUs: this.#wakefulness?.busyUs ?? user + system,
      machineCpuUs: machineCpuUs(),
    };
  }
}

import { waitFor } from '../../../test/support/wait-for.js';
import { checkStream, slowestResponseMs } from '../checker/check-stream.js';
import type { Attempt, InputsLog, StreamLog } from '../checker/logs.js';
import { type Breach, type Rules, strictRules } from '../checker/verdict.js';
import { type Findings, nothingFound } from '../findings.js';
import type { Scope } from '../scope.js';
import { HttpClient } from './http-client.js';
import { InputSender } from './input-sender.js';
import { InputWork } from './input-work.js';
import { Producer } from './producer.js';
import { Reader } from './reader.js';

export interface LoadOptions {
  /** Of the nodes, or of what stands before them. */
  readonly bases: readonly string[];
  readonly streams: number;
  readonly readersPerStream: number;
  /** Of all streams together. */
  readonly eventsPerSecond: number;
  readonly maxBatch?: number;
  /** The share of the streams whose producers send sequence numbers. */
  readonly exactlyOnce?: number;
  /** Of all streams together that have inputs: those whose producers send sequence numbers. By default 0. */
  readonly inputsPerSecond?: number;
  readonly random: () => number;
  /** For the readers; by default as for the producers. */
  readonly readerBases?: readonly string[];
  /** The lease that producers take with each body; by default none. */
  readonly leaseSeconds?: number;
  /** Tells what is still there, and should not be, when all readers have left. */
  readonly leftovers?: () => Promise<readonly string[]>;
  /** In front of the ids of the streams. */
  readonly prefix?: string;
}

export const sessionOfLoad = 'load';

/** How long everything may take to come to its end when the fault is over. */
const catchUpMs = 120_000;

interface LoadedStream {
  readonly mid: string;
  readonly producer: Producer;
  readonly readers: readonly Reader[];
  /** Null without inputs. */
  readonly sender: InputSender | null;
}

/** The logs of a stream. */
export type LogName = 'events' | 'inputs';

/** Gives the elements of a log of a stream. */
export type StoredOf = (mid: string, log: LogName) => Promise<readonly string[]>;

/** Producers and readers of many streams, with what they noted. */
export class Load {
  streams: readonly LoadedStream[];
  readonly client = new HttpClient();

  private constructor(readonly options: LoadOptions) {
    const { streams, prefix = 'm' } = options;
    this.streams = Array.from({ length: streams }, (_, index) =>
      this.#stream(`${prefix}${index}`, index),
    );
  }

  /** Resolves when every stream has its first event and input, and every reader has seen the event. */
  static async start(scope: Scope, options: LoadOptions): Promise<Load> {
    const load = scope.add(new Load(options), (started) => started.close());
    for (const { producer } of load.streams) producer.start();
    for (const reader of load.readers) reader.connect();
    await waitFor(
      () => `all readers have an event; missing: ${load.#notBegun().join(', ')}`,
      () => load.#notBegun().length === 0,
    );
    for (const sender of load.senders) sender.start();
    const areSent = () => load.senders.every(({ acknowledged }) => acknowledged > 0);
    await waitFor('each stream with inputs has one', areSent);
    return load;
  }

  get readers(): Reader[] {
    return this.streams.flatMap(({ readers }) => readers);
  }

  get producers(): Producer[] {
    return this.streams.map(({ producer }) => producer);
  }

  get senders(): InputSender[] {
    return this.streams.flatMap(({ sender }) => sender ?? []);
  }

  get acknowledgedInputs(): number {
    return sum(this.senders, ({ acknowledged }) => acknowledged);
  }

  get acknowledgedEvents(): number {
    return sum(this.producers, ({ acknowledgedEvents }) => acknowledgedEvents);
  }

  /** Resolves when that many more events are acknowledged. */
  async goesOn(count: number, deadlineMs = catchUpMs): Promise<void> {
    const wanted = this.acknowledgedEvents + count;
    await waitFor(`${count} more events`, () => this.acknowledgedEvents >= wanted, deadlineMs);
  }

  /** Resolves when every stream has taken an event that was sent after this moment. */
  async allGoOn(moment: number): Promise<void> {
    const isLater = ({ sentAt, stored }: Attempt) => sentAt >= moment && stored > 0;
    const goOn = () => this.producers.every(({ attempts }) => attempts.some(isLater));
    await waitFor('all streams go on', goOn, catchUpMs);
  }

  /** Ends the streams of all producers that live, and resolves when every reader was told the end. */
  async finish(): Promise<void> {
    const living = this.producers.filter(({ isDead }) => !isDead);
    for (const sender of this.senders) sender.fade();
    await Promise.all(living.map((producer) => producer.finish()));
    await this.#areOver();
  }

  /** Leaves a stream out from now on. */
  async giveUp(mid: string): Promise<void> {
    const given = this.streams.filter((stream) => stream.mid === mid);
    this.streams = this.streams.filter((stream) => stream.mid !== mid);
    for (const reader of given.flatMap(({ readers }) => readers)) reader.close();
    await Promise.all(given.map(leave));
  }

  /** Lets all producers die, and resolves when every reader was told that they are lost. */
  async die(): Promise<void> {
    await Promise.all(this.producers.map((producer) => producer.halt()));
    await this.#areOver();
  }

  /** What the invariants say, after `finish` or `die`. */
  async judge(storedOf: StoredOf, rules: Partial<Rules> = {}): Promise<Findings> {
    const logs = await this.logs(storedOf);
    const verdicts = logs.map((log) => checkStream(log, { ...strictRules, ...rules }));
    const textOf = ({ invariant, text }: Breach) => `${invariant} ${text}`;
    const breaches = verdicts.flatMap((verdict) => verdict.breaches.map(textOf));
    for (const reader of this.readers) reader.close();
    for (const { options } of this.producers) options.inputs?.forget();
    const leftovers = (await this.options.leftovers?.()) ?? [];
    return {
      ...this.#counts(),
      lostEvents: sum(verdicts, ({ lostEvents }) => lostEvents),
      repeatedEvents: sum(verdicts, ({ repeatedEvents }) => repeatedEvents),
      breaches: [...breaches, ...leftovers],
      late: verdicts.flatMap((verdict) => verdict.late.map(textOf)),
    };
  }

  /** What was noted of each stream, and what is stored of it now. */
  logs(storedOf: StoredOf): Promise<StreamLog[]> {
    return Promise.all(
      this.streams.map(async ({ mid, producer, readers, sender }) => ({
        name: mid,
        isExactlyOnce: producer.options.isExactlyOnce,
        attempts: producer.attempts,
        readers,
        stored: await storedOf(mid, 'events'),
        inputs: sender === null ? null : await inputsLogOf(producer, sender, storedOf),
        leaseEndsAt: producer.isDead ? producer.leaseEndsAt : null,
        leaseMs: (producer.options.leaseSeconds ?? Infinity) * 1000,
      })),
    );
  }

  async close(): Promise<void> {
    for (const reader of this.readers) reader.close();
    await Promise.all(this.streams.map(leave));
    await this.client.close();
  }

  #stream(mid: string, index: number): LoadedStream {
    const {
      bases,
      streams,
      readersPerStream,
      eventsPerSecond,
      random,
      exactlyOnce = 1,
    } = this.options;
    const { readerBases = bases, maxBatch = 10, leaseSeconds = null } = this.options;
    const { client } = this;
    const isExactlyOnce = index < streams * exactlyOnce;
    const path = `/sessions/${sessionOfLoad}/messages/${mid}`;
    const inputsPerSecond = this.options.inputsPerSecond ?? 0;
    const hasInputs = isExactlyOnce && inputsPerSecond > 0;
    const producer = new Producer({
      client,
      bases,
      turn: index,
      sid: sessionOfLoad,
      mid,
      isExactlyOnce,
      eventsPerSecond: eventsPerSecond / streams,
      maxBatch,
      random,
      leaseSeconds,
      inputs: hasInputs
        ? new InputWork({ client, bases: readerBases, turn: index + 1, path })
        : null,
    });
    const readers = Array.from(
      { length: readersPerStream },
      (_, turn) => new Reader(readerBases, `${path}/stream`, index + turn),
    );
    const sender = hasInputs
      ? new InputSender({
          client,
          bases,
          turn: index + 1,
          sid: sessionOfLoad,
          mid,
          inputsPerSecond: inputsPerSecond / (streams * exactlyOnce),
          random,
        })
      : null;
    return { mid, producer, readers, sender };
  }

  async #areOver(): Promise<void> {
    const areOver = () => this.readers.every((reader) => reader.isOver);
    await waitFor('all readers have all', areOver, catchUpMs).catch(() => {}); // the checker tells it
    await Promise.all(this.senders.map((sender) => sender.halt()));
  }

  /** The producers and readers that have no event yet, with what they know of the reason. */
  #notBegun(): string[] {
    return this.streams.flatMap(({ mid, producer, readers }) => [
      ...(producer.acknowledgedEvents > 0 ? [] : [`${mid}'s producer (${lastAnswer(producer)})`]),
      ...readers.filter(({ frames }) => frames.length === 0).map((reader) => `${mid}'s ${reader}`),
    ]);
  }

  #counts(): Findings {
    const attempts = this.producers.flatMap((producer) => producer.attempts);
    const unfinished = attempts.filter(({ stored, count }) => stored < count);
    const frames = this.readers.flatMap((reader) => reader.frames);
    return {
      ...nothingFound,
      acknowledgedAppends: sum(this.producers, ({ acknowledgedAppends }) => acknowledgedAppends),
      acknowledgedEvents: this.acknowledgedEvents,
      acknowledgedInputs: this.acknowledgedInputs,
      rejectedAppends: unfinished.filter(({ rest }) => rest === 'rejected').length,
      unknownAppends: unfinished.filter(({ rest }) => rest === 'unknown').length,
      resets: frames.filter(({ event }) => event === 'reset').length,
      worst: { 'slowest response, ms': slowestResponseMs(attempts) },
    };
  }
}

async function inputsLogOf(
  { options }: Producer,
  { attempts, progress }: InputSender,
  storedOf: StoredOf,
): Promise<InputsLog> {
  const { intakes = [], progress: ofWorkers = [] } = options.inputs ?? {};
  const stored = await storedOf(options.mid, 'inputs');
  return { attempts, intakes, progress: [...ofWorkers, ...progress], stored };
}

/** Ends what is done to a stream, without an end of it. */
async function leave({ producer, sender }: LoadedStream): Promise<void> {
  await Promise.all([producer.halt(), sender?.close()]);
  producer.options.inputs?.forget();
}

function lastAnswer({ attempts }: Producer): string {
  const { code = null, stored = 0 } = attempts.at(-1) ?? {};
  return `${attempts.length} attempts, the last with ${code ?? 'no code'}, ${stored} stored`;
}

function sum<Item>(items: readonly Item[], numberOf: (item: Item) => number): number {
  return items.reduce((total, item) => total + numberOf(item), 0);
}

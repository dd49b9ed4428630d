import { setTimeout as sleep } from 'node:timers/promises';
import type { Attempt } from '../checker/logs.js';
import type { HttpClient, PostResponse } from './http-client.js';
import { numberedEvent } from './numbered-event.js';

export interface ProducerOptions {
  readonly client: HttpClient;
  /** Of the nodes; it works with one until that fails. */
  readonly bases: readonly string[];
  /** Which base comes first. */
  readonly turn: number;
  readonly sid: string;
  readonly mid: string;
  /** With sequence numbers, and each body until it is stored; else each body once. */
  readonly isExactlyOnce: boolean;
  readonly eventsPerSecond: number;
  /** The most events of a body. */
  readonly maxBatch: number;
  readonly random: () => number;
  /** The lease that it takes with each body. */
  readonly leaseSeconds: number | null;
}

/** After an append that failed. */
const pauseMs = 100;

/** A worker that appends numbered events at a rate and notes what became of each body. */
export class Producer {
  readonly attempts: Attempt[] = [];
  acknowledgedAppends = 0;
  acknowledgedEvents = 0;
  /** When an event was first acknowledged, by its number. */
  readonly acknowledgedAt: number[] = [];
  /** The code with which it was told to give up. */
  givenUp: string | null = null;
  /** Whether it fell silent without ending its stream. */
  isDead = false;
  /** When its lease runs out, by the last body that is stored. */
  leaseEndsAt: number | null = null;
  #next = 0;
  /** Of the events from `#next` on, those that were sent and may be stored. */
  #pending = 0;
  /** The number of the event that has the sequence number 0. */
  #base = 0;
  #node: number;
  #isStopping = false;
  #work: Promise<void> | null = null;

  constructor(readonly options: ProducerOptions) {
    this.#node = options.turn;
  }

  start(): void {
    this.#work = this.#appendAll();
  }

  /** Resolves when the event that ends its stream is stored. */
  async finish(): Promise<void> {
    await this.halt();
    this.isDead = false;
    while (this.#pending > 0 && this.givenUp === null) {
      if (!(await this.#append(this.#pending, false))) await sleep(pauseMs);
    }
    while (this.givenUp === null && !(await this.#append(1, true))) await sleep(pauseMs);
  }

  /** Says no more, as one that died. Resolves when its last body has its outcome. */
  async halt(): Promise<void> {
    this.#isStopping = true;
    this.isDead = true;
    await this.#work;
  }

  async #appendAll(): Promise<void> {
    const startedAt = performance.now();
    while (!this.#isStopping && this.givenUp === null) {
      const due = ((performance.now() - startedAt) / 1000) * this.options.eventsPerSecond;
      const behind = Math.floor(due) - this.#next;
      if (behind < 1) await sleep(1000 / this.options.eventsPerSecond);
      else if (!(await this.#append(this.#sizeOfBatch(behind), false))) await sleep(pauseMs);
    }
  }

  #sizeOfBatch(behind: number): number {
    const { random, maxBatch } = this.options;
    const size = behind > 2 || random() < 0.3 ? 1 + Math.floor(random() * maxBatch) : 1;
    return Math.min(size, behind);
  }

  /** Whether the events are stored, or given up. */
  async #append(count: number, isLast: boolean): Promise<boolean> {
    const from = this.#next;
    const sentAt = performance.now();
    const response = await this.#post(count, isLast);
    const completedAt = performance.now();
    const { stored, rest } = fateOf(response, count);
    const code = typeof response?.body.code === 'string' ? response.body.code : null;
    this.attempts.push({ from, count, stored, rest, code, sentAt, completedAt });
    this.#acknowledge(from, stored, completedAt);
    if (response !== null && response.status < 300) this.#noteSuccess(sentAt);
    else this.#adaptTo(response);
    const isDone = stored === count || (!this.options.isExactlyOnce && rest === 'unknown');
    const finished = isDone ? count : stored;
    this.#next += finished;
    this.#pending = Math.max(this.#pending, count) - finished;
    return stored === count;
  }

  #noteSuccess(sentAt: number): void {
    const { leaseSeconds } = this.options;
    this.acknowledgedAppends += 1;
    if (leaseSeconds !== null) this.leaseEndsAt = sentAt + leaseSeconds * 1000;
  }

  #acknowledge(from: number, count: number, at: number): void {
    for (let number = from; number < from + count; number += 1) {
      if (this.acknowledgedAt[number] === undefined) this.acknowledgedEvents += 1;
      this.acknowledgedAt[number] ??= at;
    }
  }

  /** What a rejection means for what comes next. */
  #adaptTo(response: PostResponse | null): void {
    const code = response?.body.code;
    if (code === 'producer_gap') this.#base = this.#next - Number(response?.body.expectedSeq);
    else if (code === 'stream_ended' || code === 'producer_fenced') this.givenUp = code;
    else this.#node += 1;
  }

  async #post(count: number, isLast: boolean): Promise<PostResponse | null> {
    const { client, bases, sid, mid, random } = this.options;
    const url = `${bases[this.#node % bases.length]}/sessions/${sid}/messages/${mid}/events`;
    const events = Array.from({ length: count }, (_, index) =>
      numberedEvent({ stream: mid, number: this.#next + index }, isLast),
    );
    const isNdjson = random() < 0.2;
    const body = count === 1 ? (events[0] as string) : `[${events}]`;
    const text = isNdjson ? events.join('\n') : body;
    const type = isNdjson ? 'application/x-ndjson' : 'application/json';
    return client.post(url, { 'content-type': type, ...this.#headers }, text).catch(() => null);
  }

  get #headers(): Record<string, string> {
    const { isExactlyOnce, leaseSeconds } = this.options;
    const headers = leaseSeconds === null ? {} : { 'producer-lease': String(leaseSeconds) };
    if (!isExactlyOnce) return headers;
    const seq = String(this.#next - this.#base);
    return { ...headers, 'producer-id': 'p', 'producer-epoch': '0', 'producer-seq': seq };
  }
}

/** What a response, or none, says of the events of a body. */
function fateOf(response: PostResponse | null, count: number): Pick<Attempt, 'stored' | 'rest'> {
  if (response === null) return { stored: 0, rest: 'unknown' };
  if (response.status < 300) return { stored: count, rest: 'rejected' };
  const { stored, storedAtLeast } = response.body;
  if (typeof stored === 'number') return { stored, rest: 'rejected' };
  return { stored: Number(storedAtLeast ?? 0), rest: 'unknown' };
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Attempt } from '../checker/logs.js';
import type { HttpClient, PostResponse } from './http-client.js';
import type { InputWork } from './input-work.js';
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
  /** What it does with inputs; null: nothing. */
  readonly inputs: InputWork | null;
}

/** After an append that failed. */
const pauseMs = 100;

/** The share of the bodies with which a worker that reads inputs dies, and another takes over. */
const takeovers = 0.02;

/** Inputs that do not come after that many tries to end the stream are lost. */
const maxUnread = 600;

/** How often it tries to follow its inputs before it ends its stream without them. */
const maxOpenings = 50;

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
  #epoch = 0;
  /** How often its end was rejected, as inputs lay before it. */
  #unread = 0;
  /** What workers before it have sent and have no response to. */
  readonly #inherited = new Set<Promise<void>>();
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
    for (let count = 0; this.#lacksInputs && count < maxOpenings; count += 1) {
      await this.#openInputs();
      if (this.#lacksInputs) await sleep(pauseMs);
    }
    while (this.givenUp === null && !(await this.#append(1, true))) await sleep(pauseMs);
  }

  /** Says no more, as one that died. Resolves when its last body has its outcome. */
  async halt(): Promise<void> {
    this.#isStopping = true;
    this.isDead = true;
    await this.#work;
    await Promise.all(this.#inherited);
  }

  async #appendAll(): Promise<void> {
    const startedAt = performance.now();
    while (!this.#isStopping && this.givenUp === null) {
      const due = ((performance.now() - startedAt) / 1000) * this.options.eventsPerSecond;
      const behind = Math.floor(due) - this.#next;
      if (behind < 1) await sleep(1000 / this.options.eventsPerSecond);
      else if (this.#isToDie()) this.#takeOver(this.#sizeOfBatch(behind));
      else if (!(await this.#append(this.#sizeOfBatch(behind), false))) await sleep(pauseMs);
    }
  }

  #sizeOfBatch(behind: number): number {
    const { random, maxBatch } = this.options;
    const size = behind > 2 || random() < 0.3 ? 1 + Math.floor(random() * maxBatch) : 1;
    return Math.min(size, behind);
  }

  #isToDie(): boolean {
    const { inputs, random } = this.options;
    return inputs?.isOpen === true && random() < takeovers;
  }

  /** The worker dies as it has sent a body. Another goes on after it, and knows what is stored only. */
  #takeOver(count: number): void {
    const sent = this.#send(count, false).then(() => {
      this.#inherited.delete(sent);
    });
    this.#inherited.add(sent);
    this.options.inputs?.forget();
    this.#epoch += 1;
    this.#next += Math.max(this.#pending, count);
    this.#pending = 0;
    this.#base = this.#next;
  }

  get #lacksInputs(): boolean {
    return this.options.inputs?.isOpen === false && this.givenUp === null;
  }

  async #openInputs(): Promise<void> {
    const { bases, inputs } = this.options;
    await inputs?.open(bases[this.#node % bases.length] as string);
  }

  /** Whether the events are stored, or given up. */
  async #append(count: number, isLast: boolean): Promise<boolean> {
    const { response, stored, rest } = await this.#send(count, isLast);
    const isSuccess = response !== null && response.status < 300;
    if (!isSuccess) this.#adaptTo(response);
    else if (this.#lacksInputs && !isLast) await this.#openInputs();
    const isDone = stored === count || (!this.options.isExactlyOnce && rest === 'unknown');
    const finished = isDone ? count : stored;
    this.#next += finished;
    this.#pending = Math.max(this.#pending, count) - finished;
    return stored === count;
  }

  /** Sends the next events, and notes what became of them. */
  async #send(count: number, isLast: boolean) {
    const from = this.#next;
    const sentAt = performance.now();
    const response = await this.#post(count, isLast);
    const completedAt = performance.now();
    const { stored, rest } = fateOf(response, count);
    const code = typeof response?.body.code === 'string' ? response.body.code : null;
    this.attempts.push({ from, count, stored, rest, code, sentAt, completedAt });
    this.#acknowledge(from, stored, completedAt);
    if (response !== null && response.status < 300) this.#noteSuccess(sentAt);
    return { response, stored, rest };
  }

  #noteSuccess(sentAt: number): void {
    const { leaseSeconds } = this.options;
    this.acknowledgedAppends += 1;
    if (leaseSeconds === null) return;
    this.leaseEndsAt = Math.max(this.leaseEndsAt ?? 0, sentAt + leaseSeconds * 1000);
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
    const { inputs } = this.options;
    if (code === 'producer_gap' || code === 'inputs_gap') inputs?.forget(); // the stream was lost
    if (code === 'producer_gap') this.#base = this.#next - Number(response?.body.expectedSeq);
    else if (code === 'inputs_unread') this.#readOn();
    else if (code === 'stream_ended' || code === 'producer_fenced') this.givenUp = code;
    else this.#node += 1;
  }

  /** It cannot end its stream yet. */
  #readOn(): void {
    this.options.inputs?.takeBack(this.#next);
    this.#unread += 1;
    if (this.#unread > maxUnread) this.givenUp = 'inputs_unread';
  }

  async #post(count: number, isLast: boolean): Promise<PostResponse | null> {
    const { client, bases, sid, mid, random } = this.options;
    const url = `${bases[this.#node % bases.length]}/sessions/${sid}/messages/${mid}/events`;
    const from = this.#next;
    const claims = this.options.inputs?.claim(from, count) ?? [];
    const events = Array.from({ length: count }, (_, index) =>
      numberedEvent({ stream: mid, number: from + index, inputs: claims[index]?.inputs }, isLast),
    );
    const ackOffset = claims.at(-1)?.ackOffset;
    // The lines of NDJSON are not stored in one step: an event could be without what it acknowledges.
    const takesInputs = claims.some((claim) => (claim?.inputs.length ?? 0) > 0);
    const isNdjson = !takesInputs && random() < 0.2;
    const body = count === 1 ? (events[0] as string) : `[${events}]`;
    const text = isNdjson ? events.join('\n') : body;
    const type = isNdjson ? 'application/x-ndjson' : 'application/json';
    const ack = ackOffset === undefined ? {} : { 'inputs-ack-offset': String(ackOffset) };
    const headers = { 'content-type': type, ...this.#headers, ...ack };
    return client.post(url, headers, text).catch(() => null);
  }

  get #headers(): Record<string, string> {
    const { isExactlyOnce, leaseSeconds } = this.options;
    const headers = leaseSeconds === null ? {} : { 'producer-lease': String(leaseSeconds) };
    if (!isExactlyOnce) return headers;
    const seq = String(this.#next - this.#base);
    return {
      ...headers,
      'producer-id': 'p',
      'producer-epoch': String(this.#epoch),
      'producer-seq': seq,
    };
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

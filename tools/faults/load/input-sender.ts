import { setTimeout as sleep } from 'node:timers/promises';
import type { InputAttempt, InputProgress } from '../checker/logs.js';
import type { HttpClient, PostResponse } from './http-client.js';
import { numberedInput } from './numbered-event.js';

export interface InputSenderOptions {
  readonly client: HttpClient;
  /** Of the nodes; it sends to one until that fails. */
  readonly bases: readonly string[];
  /** Which base comes first. */
  readonly turn: number;
  readonly sid: string;
  readonly mid: string;
  readonly inputsPerSecond: number;
  readonly random: () => number;
}

/** After a request that failed, and before the first that is sent while the stream ends. */
const pauseMs = 100;

const maxBatch = 30;

/** How often it asks how far the worker is: once in that many requests. */
const requestsPerStatus = 10;

/** A user who sends numbered inputs at a rate, each body until its outcome is known, with the same ids. */
export class InputSender {
  readonly attempts: InputAttempt[] = [];
  readonly progress: InputProgress[] = [];
  /** How many inputs are stored for certain. */
  acknowledged = 0;
  /** Inputs of the body whose outcome is not known yet. */
  #pending = 0;
  #node: number;
  /** What it waits before each request, twice as long each time; 0 as long as the stream is to go on. */
  #fadeMs = 0;
  #isLast = false;
  #isOver = false;
  #work: Promise<void> | null = null;

  constructor(readonly options: InputSenderOptions) {
    this.#node = options.turn;
  }

  start(): void {
    this.#work = this.#sendAll();
  }

  /** Sends less and less, so that a worker that has to read all before the end comes to it. */
  fade(): void {
    this.#fadeMs = pauseMs;
  }

  /** Resolves when a last body, sent after the end of the stream, has its outcome. */
  async halt(): Promise<void> {
    this.#isLast = true;
    await this.#work;
  }

  /** Resolves without any outcome. */
  async close(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  async #sendAll(): Promise<void> {
    const { inputsPerSecond } = this.options;
    const startedAt = performance.now();
    while (!this.#isOver) {
      const due = ((performance.now() - startedAt) / 1000) * inputsPerSecond;
      const count = this.#pending || Math.min(Math.floor(due) - this.acknowledged, maxBatch);
      if (count < 1 && !this.#isLast) await sleep(Math.min(1000 / inputsPerSecond, pauseMs));
      else await this.#sendInPace(Math.max(count, 1));
    }
  }

  async #sendInPace(count: number): Promise<void> {
    for (let waited = 0; waited < this.#fadeMs && !this.#isLast; waited += pauseMs) {
      await sleep(pauseMs);
    }
    this.#fadeMs *= 2;
    if (!(await this.#send(count))) await sleep(pauseMs);
    if (this.attempts.length % requestsPerStatus === 0) await this.#noteProgress();
  }

  /** Whether the inputs are stored. */
  async #send(count: number): Promise<boolean> {
    const from = this.acknowledged;
    const sentAt = performance.now();
    const response = await this.#post(from, count);
    const completedAt = performance.now();
    const outcome = outcomeOf(response);
    const code = typeof response?.body.code === 'string' ? response.body.code : null;
    this.attempts.push({ from, count, outcome, code, sentAt, completedAt });
    const isStored = outcome === 'stored';
    this.acknowledged += isStored ? count : 0;
    this.#pending = isStored ? 0 : count;
    // A stream that Redis lost may come again.
    const isGone = code === 'stream_ended' || (code === 'not_found' && this.#isLast);
    this.#isOver ||= isGone || (isStored && this.#isLast);
    if (!isStored) this.#node += 1;
    return isStored;
  }

  #post(from: number, count: number): Promise<PostResponse | null> {
    const { client, mid, random } = this.options;
    const inputs = Array.from({ length: count }, (_, index) => numberedInput(mid, from + index));
    const body = count === 1 && random() < 0.5 ? (inputs[0] as string) : `[${inputs}]`;
    const headers = { 'content-type': 'application/json' };
    return client.post(`${this.#stream}/inputs`, headers, body).catch(() => null);
  }

  async #noteProgress(): Promise<void> {
    const progress = await progressOf(this.options.client, this.#stream);
    if (progress !== null) this.progress.push(progress);
  }

  get #stream(): string {
    const { bases, sid, mid } = this.options;
    return `${bases[this.#node % bases.length]}/sessions/${sid}/messages/${mid}`;
  }
}

/** How far the events and the acknowledged inputs of a stream go, at one moment; null when no one says. */
export async function progressOf(
  client: HttpClient,
  stream: string,
): Promise<InputProgress | null> {
  try {
    const { nextOffset, inputs } = JSON.parse(await client.getText(stream));
    return { events: nextOffset, acknowledged: inputs.ackOffset };
  } catch {
    return null;
  }
}

function outcomeOf(response: PostResponse | null): InputAttempt['outcome'] {
  if (response === null) return 'unknown';
  if (response.status < 300) return 'stored';
  return response.status < 500 || response.body.stored === 0 ? 'rejected' : 'unknown';
}

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from './wait-for.js';
import { eventsUrl, post } from './worker.js';

export const heartbeats = ['appends', 'renewals', 'an open body'] as const;
export type Heartbeat = (typeof heartbeats)[number];

export interface LivingWorkerOptions {
  readonly bases: readonly string[];
  readonly mid: string;
  readonly sign: Heartbeat;
  readonly leaseSeconds: number;
}

/** A worker that keeps its lease, at another node when one fails, until it is stopped. */
export class LivingWorker {
  /** Whether it was told that its stream has ended. */
  wasEnded = false;
  /**
   * No later than its last heartbeat that it knows to be accepted: since 1970, in ms. Of what renews
   * the lease of an open body, it knows the first event only.
   */
  lastHeartbeatAt = 0;
  /** When it sent each heartbeat, whether or not that was taken, in milliseconds since 1970. */
  readonly sentAt: number[] = [];
  #node: number;
  #running: Promise<void> | null = null;
  readonly #stopping = new AbortController();

  /** @param firstNode the index of the base that it begins with */
  constructor(
    readonly options: LivingWorkerOptions,
    firstNode: number,
  ) {
    this.#node = firstNode;
  }

  /** Resolves when the stream has its first event. */
  async start(): Promise<void> {
    await waitFor('its first event', () => this.#append().catch(() => false));
    this.#running = this.#live();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #live(): Promise<void> {
    const { signal } = this.#stopping;
    const { leaseSeconds } = this.options;
    while (!signal.aborted && !this.wasEnded) {
      const isDone = await this.#sign().catch(() => false);
      if (!isDone) this.#node += 1;
      const pauseMs = isDone ? leaseSeconds * 300 : 250;
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  get #eventsUrl(): string {
    const { bases, mid } = this.options;
    return eventsUrl(bases[this.#node % bases.length] as string, 's1', mid);
  }

  get #headers(): Record<string, string> {
    return { 'producer-lease': String(this.options.leaseSeconds) };
  }

  /** Whether the sign was taken. */
  #sign(): Promise<boolean> {
    switch (this.options.sign) {
      case 'appends':
        return this.#append();
      case 'renewals':
        return this.#renew();
      case 'an open body':
        return this.#keepOpen();
    }
  }

  async #append(): Promise<boolean> {
    const sentAt = this.#noteSent();
    const { status } = await post(this.#eventsUrl, { type: 'answer' }, this.#headers);
    if (status === 201) this.lastHeartbeatAt = sentAt;
    return this.#note(status === 409, status === 201);
  }

  async #renew(): Promise<boolean> {
    const sentAt = this.#noteSent();
    const url = this.#eventsUrl.replace(/events$/, 'lease');
    const response = await fetch(url, { method: 'POST', headers: this.#headers });
    const { streamStatus } = (await response.json()) as { streamStatus?: string };
    if (streamStatus === 'open') this.lastHeartbeatAt = sentAt;
    return this.#note(streamStatus === 'failed', streamStatus === 'open');
  }

  /** One event, and then nothing but the open request, until that is ended from without. */
  async #keepOpen(): Promise<boolean> {
    const sent = request(this.#eventsUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', ...this.#headers },
      signal: this.#stopping.signal,
      agent: false,
    });
    const sentAt = this.#noteSent();
    sent.write('{"type":"answer"}\n');
    sent.on('error', () => {}); // the other side closes the connection
    try {
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      const { stored } = (await json(response)) as { stored: number | null };
      if (stored === 1) this.lastHeartbeatAt = sentAt;
      return this.#note(response.statusCode === 409, false);
    } finally {
      sent.destroy();
    }
  }

  #noteSent(): number {
    const now = Date.now();
    this.sentAt.push(now);
    return now;
  }

  #note(wasEnded: boolean, isDone: boolean): boolean {
    this.wasEnded ||= wasEnded;
    return isDone;
  }
}

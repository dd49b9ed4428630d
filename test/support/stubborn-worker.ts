import { setTimeout as sleep } from 'node:timers/promises';
import { producerHeaders } from './producers.js';
import { eventsUrl, post } from './worker.js';

export const bodyKinds = ['one event', 'arrays', 'NDJSON'] as const;
export type BodyKind = (typeof bodyKinds)[number];

export interface StubbornWorkerOptions {
  /** Of the nodes, one of which it works with until that fails. */
  readonly bases: readonly string[];
  readonly mid: string;
  readonly kind: BodyKind;
  readonly random: () => number;
  readonly epoch?: number;
  /** The most events of one array or NDJSON body. */
  readonly maxBatch?: number;
  readonly headers?: Record<string, string>;
}

/**
 * A worker that must have all its events stored, whatever the network does. When it does not know
 * what became of a body, it sends it again, or asks first where to go on.
 */
export class StubbornWorker {
  /** The codes of problems that it got. */
  readonly rejections: string[] = [];
  /** How often it got no response. */
  failures = 0;
  isFenced = false;
  #node = 0;

  constructor(readonly options: StubbornWorkerOptions) {}

  /** Resolves when all events are stored, or the worker is fenced. */
  async sendAll(events: readonly object[], from = 0): Promise<void> {
    let at = from;
    while (at < events.length && !this.isFenced) at = await this.#send(events, at);
  }

  get url(): string {
    const { bases, mid } = this.options;
    return eventsUrl(bases[this.#node % bases.length] as string, 's1', mid);
  }

  /** Sends some events from this place on, and returns where to go on. */
  async #send(events: readonly object[], at: number): Promise<number> {
    const { kind, random, maxBatch = 50 } = this.options;
    const count = kind === 'one event' ? 1 : 1 + Math.floor(random() * maxBatch);
    const batch = events.slice(at, at + count);
    try {
      const { status, body } = await this.#post(batch, at);
      if (status < 300) return at + batch.length;
      await this.#note(String(body.code));
    } catch {
      this.failures += 1;
      this.#node += 1;
    }
    return random() < 0.5 ? at : this.#nextSeq();
  }

  async #note(code: string): Promise<void> {
    this.rejections.push(code);
    if (code === 'producer_fenced') this.isFenced = true;
    else {
      this.#node += 1;
      await sleep(50);
    }
  }

  #post(batch: readonly object[], at: number) {
    const headers = { ...this.options.headers, ...producerHeaders(at, this.options.epoch) };
    if (this.options.kind === 'NDJSON') return this.#postLines(batch, headers);
    return post(this.url, this.options.kind === 'arrays' ? batch : batch[0], headers);
  }

  async #postLines(batch: readonly object[], headers: Record<string, string>) {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', ...headers },
      body: pieces(batch, this.options.random),
      duplex: 'half',
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  /** What the status route says is expected next. */
  async #nextSeq(): Promise<number> {
    while (true) {
      try {
        const response = await fetch(`${this.url.replace(/\/events$/, '')}?producer=w`);
        const { producer, code } = (await response.json()) as Status;
        if (producer !== undefined) return this.#placeOf(producer);
        if (code === 'not_found') return 0;
      } catch {
        this.failures += 1;
      }
      this.#node += 1;
      await sleep(20);
    }
  }

  #placeOf(producer: Status['producer']): number {
    const { epoch = 0 } = this.options;
    if (producer && producer.epoch > epoch) this.isFenced = true;
    return producer?.epoch === epoch ? producer.nextSeq : 0;
  }
}

interface Status {
  readonly producer?: { readonly epoch: number; readonly nextSeq: number } | null;
  readonly code?: string;
}

/** The lines of a body, in pieces that end anywhere. */
async function* pieces(batch: readonly object[], random: () => number) {
  const text = Buffer.from(batch.map((event) => `${JSON.stringify(event)}\n`).join(''));
  for (let from = 0, to = 0; from < text.length; from = to) {
    to = from + 1 + Math.floor(random() * 2000);
    yield text.subarray(from, to);
  }
}

/** Answers that carry their number, and the end. */
export function numberedRun(count: number, word = ''): { type: string; content: string }[] {
  const answers = Array.from({ length: count - 1 }, (_, index) => ({
    type: 'answer',
    content: `${word}${index}`,
  }));
  return [...answers, { type: 'complete', content: `${word}${count - 1}` }];
}

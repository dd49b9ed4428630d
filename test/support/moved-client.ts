import { EventSource } from 'eventsource';
import { onTestFinished } from 'vitest';

export interface Message {
  readonly content: string;
  readonly id: string;
}

/** An EventSource as a page uses it, with what it was given. */
export class MovedClient {
  readonly messages: Message[] = [];
  readonly #source: EventSource;

  /** @param names of the events that it listens to */
  constructor(
    readonly url: string,
    names: readonly string[],
  ) {
    this.#source = new EventSource(url);
    onTestFinished(() => this.#source.close());
    for (const name of names) {
      this.#source.addEventListener(name, ({ data, lastEventId }) => {
        this.messages.push({ content: JSON.parse(data).content, id: lastEventId });
      });
    }
  }

  get isClosed(): boolean {
    return this.#source.readyState === EventSource.CLOSED;
  }
}

/**
 * Fate of what passes a proxy: connections that were there when `tear` was called break in the middle
 * of what the service says next.
 */
export class Tearing {
  #torn = new WeakSet<object>();
  #connections = new Set<object>();

  readonly fault = (chunk: Buffer, from: 'client' | 'service', connection: object): number => {
    this.#connections.add(connection);
    if (from === 'client' || !this.#torn.has(connection)) return chunk.length;
    return Math.floor(chunk.length / 2);
  };

  tear(): void {
    for (const connection of this.#connections) this.#torn.add(connection);
    this.#connections = new Set();
  }
}

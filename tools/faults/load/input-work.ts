import type { InputProgress, IntakeLog } from '../checker/logs.js';
import type { HttpClient } from './http-client.js';
import { progressOf } from './input-sender.js';
import { readInput } from './numbered-event.js';
import { Reader } from './reader.js';

export interface InputWorkOptions {
  readonly client: HttpClient;
  /** Of the nodes that serve the feed of inputs. */
  readonly bases: readonly string[];
  readonly turn: number;
  /** Of the stream. */
  readonly path: string;
}

/** What an event says of inputs. */
export interface Claim {
  /** Numbers of the inputs that it has taken in. */
  readonly inputs: readonly number[];
  /** The inputs before this offset are taken in by it and the events before it. */
  readonly ackOffset: number;
}

/**
 * How a worker takes inputs in: it follows them, and says of each in which event it has it. An event
 * says the same whenever it is sent, as the service may have stored it the first time.
 */
export class InputWork {
  readonly intakes: IntakeLog[] = [];
  readonly progress: InputProgress[] = [];
  #reader: Reader | null = null;
  #fromOffset = 0;
  /** How many frames of the feed are claimed. */
  #taken = 0;
  #returned: readonly number[] = [];
  /** By the numbers of events. */
  readonly #claims = new Map<number, Claim | null>();

  constructor(readonly options: InputWorkOptions) {}

  get isOpen(): boolean {
    return this.#reader !== null;
  }

  /**
   * Follows the inputs from those on that no event has taken in. Only a worker that has appended may
   * ask for them: what the worker before it sent may be stored until then.
   */
  async open(base: string): Promise<void> {
    const { client, bases, turn, path } = this.options;
    const progress = await progressOf(client, `${base}${path}`);
    if (progress === null) return;
    this.progress.push(progress);
    const { acknowledged: fromOffset } = progress;
    const reader = new Reader(bases, `${path}/inputs/stream?offset=${fromOffset}`, turn);
    this.intakes.push({ fromOffset, frames: reader.frames });
    [this.#reader, this.#fromOffset, this.#taken] = [reader, fromOffset, 0];
    reader.connect();
  }

  /** Forgets all, as a worker that has died, or whose stream is gone. */
  forget(): void {
    this.#reader?.close();
    this.#reader = null;
    this.#returned = [];
    this.#claims.clear();
  }

  /** Has these events say what they say of inputs. The first that is new says all that is. */
  claim(from: number, count: number): readonly (Claim | null)[] {
    for (const number of this.#claims.keys()) if (number < from) this.#claims.delete(number);
    const numbers = Array.from({ length: count }, (_, index) => from + index);
    const claims = numbers.map((number) => this.#claimOf(number));
    return this.isOpen ? claims : claims.map(() => null);
  }

  #claimOf(number: number): Claim | null {
    const known = this.#claims.get(number);
    if (known !== undefined) return known;
    const claim = this.#next();
    this.#claims.set(number, claim);
    return claim;
  }

  /** Takes back what an event said that is certainly not stored, as it has to say more. */
  takeBack(number: number): void {
    this.#returned = this.#claims.get(number)?.inputs ?? [];
    this.#claims.delete(number);
  }

  #next(): Claim | null {
    const reader = this.#reader;
    if (reader === null) return null;
    const frames = reader.frames.slice(this.#taken);
    if (frames.some(({ event }) => event === 'reset')) {
      this.forget();
      return null;
    }
    const inputs = [...this.#returned, ...frames.map(({ data }) => readInput(data)?.number ?? -1)];
    this.#taken += frames.length;
    this.#returned = [];
    return { inputs, ackOffset: this.#fromOffset + this.#taken };
  }
}

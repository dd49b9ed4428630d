/**
 * What one subscriber may receive of one stream: the events of each writer, each once and in the
 * order of their numbers. A writer has one request under way, so that this is the order in the
 * stream too.
 */
export class DeliveryCheck {
  /** How many events came. */
  events = 0;
  /** The first thing that was wrong. */
  fault: string | null = null;
  readonly #next: Int32Array;

  constructor(
    readonly stream: number,
    writers: number,
  ) {
    this.#next = new Int32Array(writers);
  }

  note(stream: number, writer: number, number: number): void {
    this.events += 1;
    const expected = this.#next[writer];
    if (stream === this.stream && number === expected) {
      this.#next[writer] = number + 1;
    } else {
      this.fault ??= this.#explain(stream, writer, number, expected);
    }
  }

  /** What is missing when the writers have stored that many events each; null when nothing is. */
  missing(stored: readonly number[]): string | null {
    const writer = stored.findIndex((count, index) => this.#next[index] !== count);
    if (writer === -1) return null;
    return `stream ${this.stream}: ${this.#next[writer]} of ${stored[writer]} events of writer ${writer} came`;
  }

  #explain(stream: number, writer: number, number: number, expected: number | undefined): string {
    const event = `event ${number} of writer ${writer} of stream ${stream}`;
    if (stream !== this.stream || expected === undefined || Number.isNaN(number)) {
      return `stream ${this.stream}: a foreign event came: ${event}`;
    }
    const fault =
      number > expected ? `a gap: ${expected} was next` : `a repeat: ${expected} was next`;
    return `${event} came after ${fault}`;
  }
}

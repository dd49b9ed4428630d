import type { Input, InputPage } from './service-client.js';

/** The inputs of one stream: those that were read and wait for the agent, and how far all of them are. */
export class Inputs {
  /** Whether the stream may end only when all inputs are taken. */
  mustBeRead = false;
  #waiting: Input[] = [];
  #count = 0;
  #readCount = 0;
  #takenCount = 0;
  /** How many inputs are acknowledged by the event with this sequence number. */
  #ack = { count: 0, seq: 0 };

  get readCount(): number {
    return this.#readCount;
  }

  get hasUnread(): boolean {
    return this.#readCount < this.#count;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** The inputs before were acknowledged by another worker. */
  beginAt(count: number): void {
    this.#readCount = count;
    this.#takenCount = count;
    this.#ack = { count, seq: 0 };
  }

  /** Every response about the stream says how many inputs there are. */
  count(count: number): void {
    this.#count = count;
  }

  add({ inputs, nextOffset }: InputPage): void {
    this.#waiting.push(...inputs);
    this.#readCount = nextOffset;
  }

  takeAll(): Input[] {
    const taken = this.#waiting;
    this.#waiting = [];
    this.#takenCount = this.#readCount;
    return taken;
  }

  /** Takes the first reply to this event, out of turn: the inputs before it still count as not taken. */
  takeReply(eventId: string): Input | undefined {
    const index = this.#waiting.findIndex(({ data }) => data?.replyTo === eventId);
    if (index === -1) return undefined;
    const [reply] = this.#waiting.splice(index, 1);
    if (!this.hasWaiting) this.#takenCount = this.#readCount;
    return reply;
  }

  /** The event with this sequence number acknowledges what was taken. */
  acknowledgeBy(seq: number): void {
    if (this.#takenCount > this.#ack.count) this.#ack = { count: this.#takenCount, seq };
  }

  /** How many inputs the events before this sequence number acknowledge; null when it is not known. */
  ackBefore(seq: number): number | null {
    return seq > this.#ack.seq ? this.#ack.count : null;
  }
}

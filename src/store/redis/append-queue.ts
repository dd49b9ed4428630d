import { ReplyError } from 'ioredis';
import { isConnected } from './connection/redis-client.js';
import { notConnected } from './connection/redis-errors.js';
import type { RedisKeys } from './redis-keys.js';
import type { Argument, Reply, ScriptClient } from './script-client.js';
import { groupsOf } from './slot-groups.js';

/** Max arguments of one script, of which each event is one, since Redis serves nobody else meanwhile. */
const maxArguments = 1000;

/** An append that waits for the others of its turn. */
interface WaitingAppend {
  readonly list: string;
  readonly state: string;
  readonly args: readonly Argument[];
  readonly isAlone: boolean;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** Sends the appends of one turn of the event loop to Redis together, in their order. */
export class AppendQueue {
  #waiting: WaitingAppend[] = [];

  constructor(readonly client: ScriptClient) {}

  /**
   * Runs `append-events.lua` for one append.
   *
   * @param isAlone whether it has a script to itself, as its writes must not affect others
   */
  append({ list, state }: RedisKeys, args: readonly Argument[], isAlone: boolean): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({ list, state, args, isAlone, resolve, reject });
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (!isConnected(this.client)) {
      for (const { reject } of waiting) reject(notConnected());
      return;
    }
    const cost = ({ args, isAlone }: WaitingAppend) => (isAlone ? maxArguments : args.length);
    for (const group of groupsOf(waiting, this.client, cost, maxArguments)) void this.#send(group);
  }

  async #send(group: readonly WaitingAppend[]): Promise<void> {
    const call: Argument[] = [2 * group.length];
    for (const { list, state } of group) call.push(list, state);
    for (const { args } of group) call.push(args.length, ...args);
    try {
      const replies = (await this.client.appendEventsBuffer(...call)) as Reply[];
      for (const [index, { resolve, reject }] of group.entries()) {
        const reply = replies[index] as Reply;
        if (reply[0].toString() === 'error') reject(new ReplyError(String(reply[1])));
        else resolve(reply);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}

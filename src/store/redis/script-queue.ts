import { ReplyError } from 'ioredis';
import { isConnected } from './connection/redis-client.js';
import { notConnected } from './connection/redis-errors.js';
import type { RedisKeys } from './redis-keys.js';
import {
  type Argument,
  alone,
  type ManyKeysScript,
  type Reply,
  type ScriptClient,
} from './script-client.js';
import { groupsOf } from './slot-groups.js';

/** Max cost of the calls of one script, since Redis serves nobody else meanwhile. An event of an append costs 1. */
const maxCost = 1000;

/** A call that waits for the others of its turn. */
interface WaitingCall {
  readonly list: string;
  readonly state: string;
  readonly args: readonly Argument[];
  readonly cost: number;
  readonly resolve: (reply: Reply | null) => void;
  readonly reject: (error: unknown) => void;
}

/** Sends the calls of one turn of the event loop to Redis in one script, in their order. */
export class ScriptQueue {
  #waiting: WaitingCall[] = [];

  /** @param script one that includes `shared/calls.lua` */
  constructor(
    readonly client: ScriptClient,
    readonly script: ManyKeysScript,
  ) {}

  /**
   * @param cost share of a script that the call takes; infinite for one that has a script to itself
   * @throws ServiceError without a connection, or the error of Redis for this call
   */
  call(
    { list, state }: Pick<RedisKeys, 'list' | 'state'>,
    args: readonly Argument[],
    cost: number,
  ): Promise<Reply | null> {
    return new Promise((resolve, reject) => {
      this.#push({ list, state, args, cost, resolve, reject });
    });
  }

  #push(call: WaitingCall): void {
    if (this.#waiting.length === 0) setImmediate(() => this.#flush());
    this.#waiting.push(call);
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (!isConnected(this.client)) {
      for (const { reject } of waiting) reject(notConnected());
      return;
    }
    for (const group of groupsOf(waiting, this.client, maxCost)) void this.#send(group);
  }

  async #send(group: readonly WaitingCall[]): Promise<void> {
    const command: Argument[] = [2 * group.length];
    for (const { list, state } of group) command.push(list, state);
    for (const { args } of group) command.push(args.length, ...args);
    try {
      const replies = (await this.script(...command)) as (Reply | null)[];
      for (const [index, call] of group.entries()) {
        const { resolve, reject } = call;
        const reply = replies[index] ?? null;
        const outcome = reply?.[0]?.toString();
        if (outcome === 'error') reject(new ReplyError(String(reply?.[1])));
        else if (outcome === 'later') this.#push({ ...call, cost: alone });
        else resolve(reply);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}

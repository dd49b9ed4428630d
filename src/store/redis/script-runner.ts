import { BoundedCache } from '../../bounded-cache.js';
import { ServiceError } from '../../errors.js';
import type { Reply } from './append-script-call.js';
import { joined, lookThrough, nothingSeen, type Seen } from './foreign-elements.js';
import type { ScriptClient } from './script-client.js';

/**
 * Each call takes in a page of what another program pushed; this many are enough for the longest
 * list there may be.
 */
const maxScriptCalls = 1000;

/** Of how many lists a process remembers what a full Redis could not note, and for how long. */
const maxRemembered = 1000;
const rememberedMs = 60_000;

/** Runs scripts on streams, each until it has seen all of the list. */
export class ScriptRunner {
  /** What was found in lists, as far as it is longer than a page and Redis was too full to note it. */
  readonly #unnoted = new BoundedCache<Seen>(maxRemembered, rememberedMs);

  constructor(readonly client: ScriptClient) {}

  async run(list: string, call: (seen: Seen) => Promise<unknown>): Promise<Reply | null> {
    let seen = nothingSeen;
    let remembered = this.#unnoted.get(list);
    for (let calls = 0; calls < maxScriptCalls; calls += 1) {
      const reply = (await call(seen)) as Reply | null;
      if (reply?.[0].toString() !== 'unscanned') return reply;
      const [, from, isUnnoted] = reply;
      if (remembered !== undefined && remembered[0] === from && !isUnnoted) {
        seen = remembered;
        remembered = undefined; // the script did not take it if it asks for the same again
        continue;
      }
      const more = await lookThrough(this.client, list, from as number);
      seen = isUnnoted ? this.#remember(list, joined(seen, more)) : more;
    }
    const message = 'another program pushes faster than its events can be read';
    throw new ServiceError('backend_unavailable', message, { stored: 0 });
  }

  #remember(list: string, seen: Seen): Seen {
    this.#unnoted.set(list, seen);
    return seen;
  }
}

import type { StreamManager } from '../../src/store/stream-manager.js';

/** What a method does in place of what it should: fail, at once or later, or not return yet. */
export type Misdeed =
  | { readonly rejects: Error }
  | { readonly throws: Error }
  /** Does what it should, and keeps the response until `letGo`. */
  | 'hangs';

type Method = Exclude<keyof StreamManager, 'notifiesReliably'>;

/** A real store that breaks its contract as it is told, call by call. */
export class MisbehavingStore {
  /** What the service is given. */
  readonly streams: StreamManager;
  /** Whether watchers are called as they should be. */
  notifies = true;
  /** Each notification comes this often, and one more with the watch itself. */
  notificationsEach = 1;
  readonly #misdeeds = new Map<Method, { readonly misdeed: Misdeed; readonly about: string }>();
  #held: (() => void)[] = [];
  #watches = 0;

  constructor(readonly store: StreamManager) {
    this.streams = new Proxy(store, { get: (_, name) => this.#get(name as keyof StreamManager) });
  }

  /** How many calls have no response yet. */
  get heldCount(): number {
    return this.#held.length;
  }

  /** How many watches were begun and not ended. */
  get watches(): number {
    return this.#watches;
  }

  /** @param about the session or message that the method misbehaves for; any without it */
  misbehave(method: Method, misdeed: Misdeed, about = ''): void {
    this.#misdeeds.set(method, { misdeed, about });
  }

  behave(): void {
    this.#misdeeds.clear();
  }

  /** Lets those calls return that hang, the last one first. */
  letGo(): void {
    const held = this.#held.reverse();
    this.#held = [];
    for (const answer of held) answer();
  }

  #get(name: keyof StreamManager): unknown {
    if (name === 'notifiesReliably') return this.notifies && this.store.notifiesReliably;
    const real: unknown = Reflect.get(this.store, name);
    if (typeof real !== 'function') return real;
    return (...args: unknown[]) => this.#call(name, args, real.bind(this.store));
  }

  #call(name: Method, args: unknown[], real: (...args: unknown[]) => unknown): unknown {
    const { misdeed, about = '' } = this.#misdeeds.get(name) ?? {};
    const isMeant = misdeed !== undefined && JSON.stringify(args[0] ?? '').includes(about);
    if (isMeant && misdeed === 'hangs') return this.#hold(real(...args));
    if (isMeant && typeof misdeed === 'object') {
      if ('throws' in misdeed) throw misdeed.throws;
      return Promise.reject(misdeed.rejects);
    }
    return name === 'watch' ? this.#watch(args, real) : real(...args);
  }

  async #hold(answer: unknown): Promise<unknown> {
    await new Promise<void>((resolve) => this.#held.push(resolve));
    return answer;
  }

  #watch([stream, onChange]: unknown[], real: (...args: unknown[]) => unknown): () => void {
    const notify = () => {
      if (this.notifies)
        for (let n = 0; n < this.notificationsEach; n += 1) (onChange as () => void)();
    };
    this.#watches += 1;
    if (this.notificationsEach > 1) notify();
    const unwatch = real(stream, notify) as () => void;
    let isWatched = true;
    return () => {
      if (isWatched) this.#watches -= 1;
      isWatched = false;
      unwatch();
    };
  }
}

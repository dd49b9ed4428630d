/** What a run has started, ended in reverse when the run is over, however it ends. */
export class Scope {
  readonly #endings: (() => unknown)[] = [];

  /** @returns the same thing */
  add<Thing>(thing: Thing, end: (thing: Thing) => unknown): Thing {
    this.#endings.push(() => end(thing));
    return thing;
  }

  async end(): Promise<void> {
    for (const end of this.#endings.splice(0).reverse()) await end();
  }
}

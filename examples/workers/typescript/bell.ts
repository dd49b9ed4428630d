/** Lets one part of a program wait for what another one does. */
export class Bell {
  readonly #listeners = new Set<() => void>();

  ring(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Resolves when the bell rings next, or after this time. */
  async heard(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#listeners.delete(done);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#listeners.add(done);
    });
  }
}

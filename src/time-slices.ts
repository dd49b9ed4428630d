/** How long work runs before it yields to the event loop. */
const sliceMs = 10;

/** The resolvers of long work that waits for its next slice. All of it together gets one slice in each turn
 * of the event loop. */
const waiting: (() => void)[] = [];

/** Runs all steps at once. */
export function runAtOnce<T>(steps: Generator<void, T>): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** Runs the steps, and yields to the event loop after each slice. */
export async function runInSlices<T>(steps: Generator<void, T>): Promise<T> {
  const slice = new Slice();
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    if (slice.isOver) await slice.next();
  }
}

/** A bounded part of long work. */
export class Slice {
  #end = performance.now() + sliceMs;

  get isOver(): boolean {
    return performance.now() >= this.#end;
  }

  /** Resolves when the next slice may begin. */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (waiting.push(resolve) === 1) setImmediate(goOn);
    });
    this.#end = performance.now() + sliceMs;
  }
}

function goOn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(goOn);
}

/** How long work goes on before others have their turn. */
const sliceMs = 10;

/** Long work that wants to go on, one after another: together they take one slice of each turn. */
const waiting: (() => void)[] = [];

/** Does work step by step, at once. */
export function runAtOnce<T>(steps: Generator<void, T>): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** Does work step by step, and lets the event loop go on after each slice. */
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

  /** Resolves when it is the turn of the next one. */
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

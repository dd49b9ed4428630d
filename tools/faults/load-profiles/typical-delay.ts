import type { Load } from '../../bench/load/load.js';

const sliceMs = 500;

/**
 * The 99th percentile of the delays of each half second while the time runs, or until `isOver`; and
 * of these the median, so that a moment in which another program had the processor does not count.
 */
export async function typicalP99Ms(
  load: Load,
  ms: number,
  isOver: () => Promise<boolean> = async () => false,
): Promise<number> {
  const slices: number[] = [];
  const deadline = performance.now() + ms;
  while (performance.now() < deadline && !(await isOver())) {
    load.latency.clear();
    await load.observe(sliceMs);
    slices.push(load.latency.percentileMs(0.99));
  }
  return slices.sort((one, other) => one - other)[slices.length >> 1] ?? Number.NaN;
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from '../systems/system.js';

const intervalMs = 20;

/**
 * The p99 in ms of how long `/healthz` takes to respond meanwhile, one request after the other; NaN where there
 * is no such route.
 */
export async function healthP99Ms(server: Server, meanwhile: Promise<unknown>): Promise<number> {
  if (!server.hasHealth) {
    await meanwhile;
    return Number.NaN;
  }
  const times: number[] = [];
  let isOver = false;
  const over = meanwhile.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    const startedAt = performance.now();
    const response = await fetch(`http://127.0.0.1:${server.port}/healthz`);
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`/healthz got ${response.status}`);
    times.push(performance.now() - startedAt);
    await sleep(intervalMs);
  }
  await over;
  return times.toSorted((one, other) => one - other)[Math.ceil(times.length * 0.99) - 1] as number;
}

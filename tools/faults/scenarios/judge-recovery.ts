import type { Rules } from '../checker/verdict.js';
import type { Findings } from '../findings.js';
import { caughtUpAfter, slowestDelivery } from '../load/delays.js';
import { limit } from './limit.js';
import type { UnderLoad } from './under-load.js';

/** How long after all is well again readers may lag behind. */
const caughtUpMs = 5000;

/** Lets the load go on for a second, ends it, and judges it with how soon all readers had caught up. */
export async function judgeRecovery(
  { load, storedOf }: Pick<UnderLoad, 'load' | 'storedOf'>,
  backAt: number,
  rules: Partial<Rules> = {},
): Promise<Findings> {
  await load.goesOn(load.options.eventsPerSecond);
  await load.finish();
  const found = await load.judge(storedOf, rules);
  return limit(found, { 'caught up after, ms': [caughtUpAfter(load, backAt), caughtUpMs] });
}

/** Ends the load, and judges it with how soon everything was delivered. */
export async function judgeDelivery(
  { load, storedOf }: Pick<UnderLoad, 'load' | 'storedOf'>,
  maxMs: number,
  rules: Partial<Rules> = {},
): Promise<Findings> {
  await load.finish();
  const found = await load.judge(storedOf, rules);
  return limit(found, { 'slowest delivery, ms': [slowestDelivery(load), maxMs] });
}

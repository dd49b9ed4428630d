import { setTimeout as sleep } from 'node:timers/promises';
import { stopReplication } from '../../../test/support/cluster-of-test.js';
import type { RedisServer } from '../../../test/support/redis-server.js';
import type { Run } from '../fault.js';
import type { Findings } from '../findings.js';
import { wentOnAfter } from '../load/delays.js';
import type { Load, StoredOf } from '../load/load.js';
import { limit } from './limit.js';

/** What must hold, whatever makes the replica the new primary. */
export const failoverPromise =
  'no silent gap; responses to appends within 2.5 s; all streams continue within 10 s';

const goesOnMs = 10_000;

/** Kills a primary under load; in every other run its replica is isolated before, which loses. */
export async function killPrimary(
  { index, random }: Run,
  load: Load,
  primary: RedisServer,
  storedOf: StoredOf,
): Promise<Findings> {
  const isCutOff = index % 2 === 1;
  await sleep(random() * 2000);
  if (isCutOff) await stopReplication(primary);
  if (isCutOff) await load.goesOn(load.options.eventsPerSecond / 2);
  await primary.kill();
  const killedAt = performance.now();
  await load.allGoOn(killedAt);
  await load.finish();
  const found = await load.judge(storedOf, { mayLose: true, responseLimitMs: 2500 });
  const isVain = isCutOff && (found.lostEvents === 0 || found.resets === 0);
  const breaches = isVain
    ? [...found.breaches, 'nothing was lost, or nobody was told']
    : found.breaches;
  return limit(
    { ...found, breaches },
    { 'all continued after, ms': [wentOnAfter(load, killedAt), goesOnMs] },
  );
}

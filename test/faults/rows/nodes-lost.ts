import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import type { Findings } from '../findings.js';
import { caughtUpAfter } from '../load/delays.js';
import { limit } from './limit.js';
import type { ServiceNode } from './service-node.js';
import { redisUnderLoad, type UnderLoad } from './under-load.js';

export const nodeKilled: Fault = {
  name: 'node-killed',
  backend: 'Redis',
  title: 'kill -9 of one of two nodes, while both are used',
  promise: 'nothing lost or repeated; clients go on at the other within 5 s',
  runs: { short: 1, full: 30 },

  async strike(run) {
    const system = await redisUnderLoad(run);
    await sleep(run.random() * 3000);
    const struckAt = performance.now();
    await (system.nodes[run.index % 2] as ServiceNode).kill();
    return judgeFrom(system, struckAt);
  },
};

export const nodesRolled: Fault = {
  name: 'nodes-rolled',
  backend: 'Redis',
  title: 'rolling restart: SIGTERM for one node after the other, with a new one at its port',
  promise: 'nothing lost or repeated; clients go on within 5 s; no EventSource is closed for good',
  runs: { short: 1, full: 10 },

  async strike(run) {
    const drain = { DRAIN_DELAY: '1s' };
    const system = await redisUnderLoad(run, { environment: drain });
    await sleep(run.random() * 1000);
    const [first, second] = system.nodes as [ServiceNode, ServiceNode];
    await first.restart();
    const struckAt = performance.now();
    await second.restart();
    return judgeFrom(system, struckAt);
  },
};

async function judgeFrom({ load, storedOf }: UnderLoad, moment: number): Promise<Findings> {
  await load.goesOn(load.options.eventsPerSecond * 3);
  await load.finish();
  const found = await load.judge(storedOf);
  return limit(found, { 'caught up after, ms': [caughtUpAfter(load, moment), 5000] });
}

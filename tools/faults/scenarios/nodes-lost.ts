import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, Run } from '../fault.js';
import type { Findings } from '../findings.js';
import { judgeDelivery } from './judge-recovery.js';
import type { ServiceNode } from './service-node.js';
import { someMoment } from './some-moment.js';
import { redisUnderLoad, type UnderLoad } from './under-load.js';

/** Between the restarts of two nodes, as deployments wait to see that the new one works. */
const catchUpMs = { full: 3000, short: 1000 };

export const nodeKilled: Fault = {
  name: 'node-killed',
  backend: 'Redis',
  title: 'kill -9 of one of two nodes behind a load balancer, while both are used',
  promise:
    'nothing lost or repeated; clients continue at the other, and have everything, within 5 s',
  runs: 30,

  async inject(run) {
    const system = await redisUnderLoad(run, { isBalanced: true });
    await someMoment(run);
    await (system.nodes[run.index % 2] as ServiceNode).kill();
    return judge(run, system);
  },
};

export const nodesRolled: Fault = {
  name: 'nodes-rolled',
  backend: 'Redis',
  title:
    'rolling restart behind a load balancer: SIGTERM for one node after the other, and a new one',
  promise:
    'nothing lost or repeated; clients continue within 5 s; no EventSource is closed for good',
  runs: 10,

  async inject(run) {
    const environment = { DRAIN_DELAY: '1s' };
    const system = await redisUnderLoad(run, { environment, isBalanced: true });
    await sleep(run.random() * 1000);
    const [first, second] = system.nodes as [ServiceNode, ServiceNode];
    await first.restart();
    await sleep(run.isFull ? catchUpMs.full : catchUpMs.short);
    await second.restart();
    return judge(run, system);
  },
};

async function judge({ isFull }: Run, { load, storedOf }: UnderLoad): Promise<Findings> {
  await load.goesOn(load.options.eventsPerSecond * (isFull ? 5 : 2));
  return judgeDelivery({ load, storedOf }, 5000);
}

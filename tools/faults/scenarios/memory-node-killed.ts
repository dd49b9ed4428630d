import type { Fault } from '../fault.js';
import { slowestReset } from '../load/delays.js';
import { limit } from './limit.js';
import type { ServiceNode } from './service-node.js';
import { someMoment } from './some-moment.js';
import { memoryUnderLoad } from './under-load.js';

export const memoryNodeKilled: Fault = {
  name: 'node-killed-memory',
  backend: 'memory',
  title: 'kill -9 of the service that keeps its streams in memory, back at once',
  promise: 'everything is lost, and readers are reset within 5 s; they see all later events',
  runs: 10,

  async inject(run) {
    const { nodes, load, storedOf } = await memoryUnderLoad(run);
    const node = nodes[0] as ServiceNode;
    await someMoment(run);
    await node.kill();
    const injectedAt = performance.now();
    await node.start();
    await load.goesOn(load.options.eventsPerSecond * (run.isFull ? 3 : 1));
    await load.finish();
    const found = await load.judge(storedOf, { mayLose: true });
    const mids = new Set(load.streams.map(({ mid }) => mid));
    return limit(found, { 'reset after, ms': [slowestReset(load, mids, injectedAt), 5000] });
  },
};

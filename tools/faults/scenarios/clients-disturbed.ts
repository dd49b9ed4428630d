import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, Run } from '../fault.js';
import type { LoadOptions } from '../load/load.js';
import { NetworkConditions } from '../load/network-conditions.js';
import { judgeDelivery } from './judge-recovery.js';
import { memoryUnderLoad, redisUnderLoad } from './under-load.js';

const backends = ['memory', 'Redis'] as const;

/** Single events, sent as fast as they are taken. */
const manyAppends: Partial<LoadOptions> = { eventsPerSecond: 10_000, maxBatch: 1, exactlyOnce: 1 };

/** Enough for some losses within seconds. */
const someAppends: Partial<LoadOptions> = { eventsPerSecond: 300 };

export const responsesLost: readonly Fault[] = backends.map((backend) => ({
  name: `responses-lost-${backend.toLowerCase()}`,
  backend,
  title:
    '2 % of the responses to clients are lost, and 1 % of the requests, with their connections',
  promise: 'nothing lost; nothing stored or delivered twice',
  runs: 10,

  async inject(run) {
    const clientNetwork = new NetworkConditions(run.random);
    const load = run.isFull ? manyAppends : someAppends;
    const system = await startSystem(backend, run, clientNetwork, load);
    clientNetwork.losses = { response: 0.02, request: 0.01 };
    await system.load.goesOn(run.isFull ? 100_000 : 1000, 600_000);
    clientNetwork.losses = { response: 0, request: 0 };
    await system.load.finish();
    return system.load.judge(system.storedOf);
  },
}));

export const connectionsCut: readonly Fault[] = backends.map((backend) => ({
  name: `connections-cut-${backend.toLowerCase()}`,
  backend,
  title: 'all connections of all clients are cut every second',
  promise: 'nothing lost; nothing stored or delivered twice',
  runs: 5,

  async inject(run) {
    const clientNetwork = new NetworkConditions(run.random);
    const { load, storedOf } = await startSystem(backend, run, clientNetwork);
    for (let second = 0; second < (run.isFull ? 10 : 2); second += 1) {
      await sleep(1000);
      clientNetwork.cut();
    }
    await load.finish();
    return load.judge(storedOf);
  },
}));

export const connectionsHalfOpen: readonly Fault[] = backends.map((backend) => ({
  name: `connections-half-open-${backend.toLowerCase()}`,
  backend,
  title: 'all connections of clients are half-open for 5 s, then they break',
  promise: 'nothing lost or repeated; all delivered within 5 s afterwards',
  runs: 5,

  async inject(run) {
    const clientNetwork = new NetworkConditions(run.random);
    const { load, storedOf } = await startSystem(backend, run, clientNetwork);
    await sleep(run.random() * 2000);
    clientNetwork.isDead = true;
    await sleep(5000);
    clientNetwork.isDead = false;
    clientNetwork.cut();
    await load.goesOn(load.options.eventsPerSecond * (run.isFull ? 3 : 1));
    return judgeDelivery({ load, storedOf }, 10_000, { responseLimitMs: 6000 });
  },
}));

function startSystem(
  backend: Fault['backend'],
  run: Run,
  clientNetwork: NetworkConditions,
  load: Partial<LoadOptions> = {},
) {
  const setUp = { clientNetwork, load };
  return backend === 'memory' ? memoryUnderLoad(run, setUp) : redisUnderLoad(run, setUp);
}

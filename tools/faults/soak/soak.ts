import { setTimeout as sleep } from 'node:timers/promises';
import { randomFrom } from '../../../test/support/random.js';
import { onRedis } from '../../../test/support/test-processes.js';
import type { Rules } from '../checker/verdict.js';
import { type Findings, together } from '../findings.js';
import { Load, type LogName, type StoredOf } from '../load/load.js';
import { NetworkConditions } from '../load/network-conditions.js';
import { storedElements } from '../load/stored-elements.js';
import { listsOf, startNodes, startRedis } from '../scenarios/nodes.js';
import type { ServiceNode } from '../scenarios/service-node.js';
import { Scope } from '../scope.js';
import { randomFaults, type SoakedSystem } from './random-faults.js';
import { VitalSigns } from './vital-signs.js';

/** How long each generation of streams lives. */
const generationMs = 20_000;
/** Streams of past generations expire soon, so that memory comes to a level. */
const environment = { FEED_LINGER: '100ms', STREAM_TTL: '1m' };
const loadSize = {
  streams: 20,
  readersPerStream: 2,
  eventsPerSecond: 200,
  inputsPerSecond: 50,
  exactlyOnce: 0.8,
};

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/**
 * Generation after generation of streams, on two nodes with Redis and on one with memory, each with
 * a random fault out of the list; meanwhile the vital signs of what is never killed are sampled.
 */
export async function soak({ minutes, seed, say }: SoakOptions): Promise<Findings> {
  const scope = new Scope();
  try {
    const soaking = await Soaking.start(scope, randomFrom(seed));
    const deadline = performance.now() + minutes * 60_000;
    for (let generation = 0; performance.now() < deadline; generation += 1) {
      say(await soaking.live(generation));
    }
    return soaking.result(say);
  } finally {
    await scope.end();
  }
}

class Soaking {
  #found: Findings | null = null;
  readonly #signs: readonly VitalSigns[];

  private constructor(
    readonly system: SoakedSystem,
    /** On Redis, and in memory; neither is ever killed. */
    readonly steady: { readonly onRedis: ServiceNode; readonly inMemory: ServiceNode },
    readonly bases: { readonly onRedis: readonly string[]; readonly inMemory: readonly string[] },
    readonly storedOf: StoredOf,
    readonly random: () => number,
  ) {
    const begunAt = performance.now();
    this.#signs = [
      new VitalSigns('the node on Redis', steady.onRedis, begunAt),
      new VitalSigns('the node with memory', steady.inMemory, begunAt),
    ];
  }

  static async start(scope: Scope, random: () => number): Promise<Soaking> {
    const redis = await startRedis(scope, '--appendonly', 'yes');
    const redisNetwork = new NetworkConditions(random);
    const clientNetwork = new NetworkConditions(random);
    const redisPort = await redisNetwork.before(scope, redis.port);
    const settings = { ...onRedis(redis), ...environment, REDIS_ADDR: `127.0.0.1:${redisPort}` };
    const [steady, expendable] = await startNodes(scope, 2, settings);
    const [inMemory] = await startNodes(scope, 1, environment);
    const nodes = [steady, expendable, inMemory] as [ServiceNode, ServiceNode, ServiceNode];
    const bases: string[] = [];
    for (const { port } of nodes) {
      bases.push(`http://127.0.0.1:${await clientNetwork.before(scope, port)}`);
    }
    return new Soaking(
      { redis, expendable: nodes[1], redisNetwork, clientNetwork },
      { onRedis: nodes[0], inMemory: nodes[2] },
      { onRedis: bases.slice(0, 2), inMemory: bases.slice(2) },
      listsOf(scope, redis),
      random,
    );
  }

  /** Resolves with a line about the generation. */
  async live(generation: number): Promise<string> {
    const names = Object.keys(randomFaults);
    const name = names[Math.floor(this.random() * names.length)] as string;
    const scope = new Scope();
    try {
      const [onRedis, inMemory] = await Promise.all([
        this.#load(scope, this.bases.onRedis, `g${generation}r`),
        this.#load(scope, this.bases.inMemory, `g${generation}m`),
      ]);
      await sleep(this.random() * generationMs * 0.5);
      await randomFaults[name]?.(this.system);
      await sleep(generationMs * 0.5);
      await Promise.all([onRedis.finish(), inMemory.finish()]);
      const inMemoryOf = (mid: string, log: LogName) =>
        storedElements(inMemory.client, this.steady.inMemory.url, mid, log);
      const rules: Partial<Rules> = { responseLimitMs: 5000 };
      const found = together(
        await onRedis.judge(this.storedOf, rules),
        await inMemory.judge(inMemoryOf, rules),
      );
      this.#found = this.#found === null ? found : together(this.#found, found);
      return `${generation}: ${name}: ${found.acknowledgedEvents} events, ${found.acknowledgedInputs} inputs, ${[...found.breaches, ...found.late].join('; ') || 'sound'}`;
    } finally {
      await scope.end();
      await sleep(1000);
      for (const signs of this.#signs) await signs.sample();
    }
  }

  result(say: (line: string) => void): Findings {
    for (const line of this.#signs.flatMap((signs) => signs.report())) say(line);
    const breaches = this.#signs.flatMap((signs) => signs.breaches());
    const found = this.#found as Findings;
    return { ...found, breaches: [...found.breaches, ...breaches] };
  }

  #load(scope: Scope, bases: readonly string[], prefix: string): Promise<Load> {
    return Load.start(scope, { ...loadSize, bases, random: this.random, prefix: `${prefix}-` });
  }
}

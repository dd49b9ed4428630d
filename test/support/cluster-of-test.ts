import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { TestCertificates } from './certificates.js';
import { freePort } from './free-port.js';
import { RedisServer } from './redis-server.js';
import type { Environment } from './test-processes.js';
import { succeeds, waitFor } from './wait-for.js';

const slotCount = 16_384;
const primaryCount = 3;

/** Three primaries on this machine, and a replica of the first. */
export class ClusterOfTest {
  readonly primaries: RedisServer[] = [];
  replica!: RedisServer;
  constructor(readonly tls?: TestCertificates) {}

  /** Called while the suite is collected. */
  static forSuite(): ClusterOfTest {
    const cluster = new ClusterOfTest();
    beforeAll(() => cluster.start());
    afterAll(() => cluster.stop());
    return cluster;
  }

  static async forTest(tls?: TestCertificates): Promise<ClusterOfTest> {
    const cluster = new ClusterOfTest(tls);
    onTestFinished(() => cluster.stop());
    await cluster.start();
    return cluster;
  }

  get servers(): RedisServer[] {
    return [...this.primaries, this.replica];
  }

  /** The settings of a client that knows one node only. */
  get options() {
    return { mode: 'cluster', addresses: [this.first.endpoint] } as const;
  }

  /** The settings of a service that knows these nodes, by default the first. */
  environment(...seeds: RedisServer[]): Environment {
    const known = seeds.length > 0 ? seeds : [this.first];
    return {
      STREAM_MANAGER_TYPE: 'redis',
      REDIS_MODE: 'cluster',
      REDIS_ADDR: known.map(({ address }) => address).join(','),
    };
  }

  get first(): RedisServer {
    return this.primaries[0] as RedisServer;
  }

  async start(): Promise<void> {
    for (let index = 0; index < primaryCount; index += 1) {
      this.primaries.push(await this.#startNode());
    }
    this.replica = await this.#startNode();
    await Promise.all(this.primaries.map((server, index) => this.#giveSlots(server, index)));
    await this.#meet();
    const id = await nodeId(this.first);
    await waitFor('the replica knows its primary', () =>
      succeeds(call(this.replica, 'CLUSTER', 'REPLICATE', id)),
    );
    await waitFor('the cluster is whole', () => this.#isWhole());
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server?.stop()));
  }

  /** Of a message in session s1 whose stream is on the first primary, the one with a replica. */
  async idOnFirst(): Promise<string> {
    for (let number = 1; ; number += 1) {
      const key = `stream:events:s1:m${number}`;
      const slot = Number(await call(this.first, 'CLUSTER', 'KEYSLOT', key));
      if (slot < slotCount / primaryCount) return `m${number}`;
    }
  }

  /** Where a key is, as the slots were given at the start. */
  async primaryOf(key: string): Promise<RedisServer> {
    const slot = Number(await call(this.first, 'CLUSTER', 'KEYSLOT', key));
    return this.primaries[Math.floor((slot * primaryCount) / slotCount)] as RedisServer;
  }

  async #startNode(): Promise<RedisServer> {
    const clusterPort = String(await freePort());
    return RedisServer.startWith(
      { tls: this.tls },
      ...['--cluster-enabled', 'yes', '--cluster-port', clusterPort],
      ...['--cluster-node-timeout', '1000', '--save', '', '--appendonly', 'no'],
      ...['--repl-diskless-sync-delay', '0'],
    );
  }

  async #giveSlots(server: RedisServer, index: number): Promise<void> {
    const from = Math.ceil((index * slotCount) / primaryCount);
    const to = Math.ceil(((index + 1) * slotCount) / primaryCount) - 1;
    await call(server, 'CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
    await call(server, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
  }

  async #meet(): Promise<void> {
    for (const { port, settings } of this.servers.slice(1)) {
      const clusterPort = settings[settings.indexOf('--cluster-port') + 1] as string;
      await call(this.first, 'CLUSTER', 'MEET', '127.0.0.1', String(port), clusterPort);
    }
  }

  async #isWhole(): Promise<boolean> {
    const infos = await Promise.all(this.servers.map((server) => call(server, 'CLUSTER', 'INFO')));
    const isOk = (info: unknown) => /cluster_state:ok.*cluster_known_nodes:4/s.test(String(info));
    return infos.every(isOk) && (await isReplicating(this.replica));
  }
}

export async function nodeId(server: RedisServer): Promise<string> {
  return String(await call(server, 'CLUSTER', 'MYID'));
}

export async function isReplicating(replica: RedisServer): Promise<boolean> {
  return /master_link_status:up/.test(String(await call(replica, 'INFO', 'replication')));
}

/**
 * From now on nothing of this primary reaches a replica: the replica is cut off and cannot log in,
 * and connections that stand are not asked for the password.
 */
export async function stopReplication(primary: RedisServer): Promise<void> {
  const client = primary.client();
  await client.config('SET', 'requirepass', 'nobody knows it');
  await client.call('CLIENT', 'KILL', 'TYPE', 'replica');
  client.disconnect();
}

/** One command to one server. */
export async function call(server: RedisServer, name: string, ...args: string[]): Promise<unknown> {
  const client = server.client();
  try {
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}

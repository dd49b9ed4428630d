import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { TestCertificates } from './certificates.js';
import { call, isReplicating } from './cluster-of-test.js';
import { RedisServer } from './redis-server.js';
import type { Environment } from './test-processes.js';
import { waitFor } from './wait-for.js';

const name = 'main';
const sentinelCount = 3;
const withoutFiles = ['--save', '', '--appendonly', 'no', '--repl-diskless-sync-delay', '0'];

/** A primary, a replica of it and three sentinels on this machine. */
export class SentinelOfTest {
  primary!: RedisServer;
  replica!: RedisServer;
  readonly sentinels: RedisServer[] = [];

  constructor(readonly tls?: TestCertificates) {}

  /** Called while the suite is collected. */
  static forSuite(): SentinelOfTest {
    const set = new SentinelOfTest();
    beforeAll(() => set.start());
    afterAll(() => set.stop());
    return set;
  }

  static async forTest(tls?: TestCertificates): Promise<SentinelOfTest> {
    const set = new SentinelOfTest(tls);
    onTestFinished(() => set.stop());
    await set.start();
    return set;
  }

  /** The settings of a client. */
  get options() {
    const addresses = this.sentinels.map((sentinel) => sentinel.endpoint);
    return { mode: 'sentinel', addresses, sentinelName: name } as const;
  }

  /** The settings of a service. */
  get environment(): Environment {
    return {
      STREAM_MANAGER_TYPE: 'redis',
      REDIS_MODE: 'sentinel',
      REDIS_ADDR: this.sentinels.map(({ address }) => address).join(','),
      REDIS_SENTINEL_NAME: name,
    };
  }

  async start(): Promise<void> {
    this.primary = await RedisServer.startWith({ tls: this.tls }, ...withoutFiles);
    const replicaOf = ['--replicaof', `127.0.0.1 ${this.primary.port}`];
    this.replica = await RedisServer.startWith({ tls: this.tls }, ...withoutFiles, ...replicaOf);
    await waitFor('the replica is in step', () => isReplicating(this.replica));
    for (let count = 0; count < sentinelCount; count += 1) {
      this.sentinels.push(await this.#startSentinel());
    }
    await waitFor('the sentinels know each other and the replica', () => this.#isWhole());
  }

  async stop(): Promise<void> {
    const servers = [...this.sentinels, this.replica, this.primary];
    await Promise.all(servers.map((server) => server?.stop()));
  }

  #startSentinel(): Promise<RedisServer> {
    return RedisServer.startWith(
      { tls: this.tls, isSentinel: true },
      `sentinel monitor ${name} 127.0.0.1 ${this.primary.port} 2`,
      `sentinel down-after-milliseconds ${name} 1000`,
      `sentinel failover-timeout ${name} 5000`,
    );
  }

  async #isWhole(): Promise<boolean> {
    const infos = await Promise.all(
      this.sentinels.map((sentinel) => call(sentinel, 'INFO', 'sentinel')),
    );
    const isOk = (info: unknown) => /status=ok,.*slaves=1,sentinels=3/.test(String(info));
    return infos.every(isOk);
  }
}

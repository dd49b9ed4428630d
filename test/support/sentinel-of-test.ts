import { afterAll, beforeAll } from 'vitest';
import { call, isReplicating } from './cluster-of-test.js';
import { RedisServer } from './redis-server.js';
import { waitFor } from './wait-for.js';

const name = 'main';
const sentinelCount = 3;
const withoutFiles = ['--save', '', '--appendonly', 'no', '--repl-diskless-sync-delay', '0'];

/** A primary, a replica of it and three sentinels on this machine. */
export class SentinelOfTest {
  primary!: RedisServer;
  replica!: RedisServer;
  readonly sentinels: RedisServer[] = [];

  /** Called while the suite is collected. */
  static forSuite(): SentinelOfTest {
    const set = new SentinelOfTest();
    beforeAll(() => set.start());
    afterAll(() => set.stop());
    return set;
  }

  /** The settings of a client. */
  get options() {
    const addresses = this.sentinels.map((sentinel) => sentinel.endpoint);
    return { mode: 'sentinel', addresses, sentinelName: name } as const;
  }

  /** @param lines further lines of the sentinels' configuration */
  async start(...lines: string[]): Promise<void> {
    this.primary = await RedisServer.start(...withoutFiles);
    const replicaOf = ['--replicaof', `127.0.0.1 ${this.primary.port}`];
    this.replica = await RedisServer.start(...withoutFiles, ...replicaOf);
    await waitFor('the replica is in step', () => isReplicating(this.replica));
    for (let count = 0; count < sentinelCount; count += 1) {
      this.sentinels.push(await this.#startSentinel(lines));
    }
    await waitFor('the sentinels know each other and the replica', () => this.#isWhole());
  }

  async stop(): Promise<void> {
    const servers = [...this.sentinels, this.replica, this.primary];
    await Promise.all(servers.map((server) => server?.stop()));
  }

  #startSentinel(lines: readonly string[]): Promise<RedisServer> {
    return RedisServer.startSentinel(
      `sentinel monitor ${name} 127.0.0.1 ${this.primary.port} 2`,
      `sentinel down-after-milliseconds ${name} 1000`,
      `sentinel failover-timeout ${name} 5000`,
      ...lines,
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

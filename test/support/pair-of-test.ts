import { afterAll, beforeAll } from 'vitest';
import { RedisServer } from './redis-server.js';
import { ServiceProcess } from './service-process.js';
import { countTests } from './test-count.js';
import { type Environment, isReady, onRedis } from './test-processes.js';
import { eventsUrl, feedUrl } from './worker.js';

/** Two nodes on one Redis for a whole suite, in which each test has a stream of its own. */
export class PairOfTest {
  redis!: RedisServer;
  nodes!: readonly [ServiceProcess, ServiceProcess];
  readonly #testCount = countTests();

  /** Called while the suite is collected. */
  constructor(environment: Environment = {}) {
    beforeAll(async () => {
      this.redis = await RedisServer.start();
      const start = () => ServiceProcess.listening(onRedis(this.redis, environment));
      this.nodes = await Promise.all([start(), start()]);
      await Promise.all(this.nodes.map(isReady));
    });
    afterAll(async () => {
      await Promise.all(this.nodes.map((node) => node.kill()));
      await this.redis.stop();
    });
  }

  get mid(): string {
    return `m${this.#testCount()}`;
  }

  /** Of the list in Redis. */
  get key(): string {
    return `stream:events:s1:${this.mid}`;
  }

  eventsUrl(node: ServiceProcess): string {
    return eventsUrl(node.url, 's1', this.mid);
  }

  feedUrl(node: ServiceProcess): string {
    return feedUrl(node.url, '', 's1', this.mid);
  }
}

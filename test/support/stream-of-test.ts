import { afterAll, beforeAll } from 'vitest';
import type { FeedClient } from './feed-client.js';
import { RedisServer } from './redis-server.js';
import { ServiceProcess } from './service-process.js';
import { countTests } from './test-count.js';
import { type Environment, isReady, onRedis, openFeed } from './test-processes.js';
import { eventsUrl, feedUrl, post } from './worker.js';

/** One service on one Redis for a whole suite, in which each test has a stream of its own. */
export class StreamOfTest {
  redis!: RedisServer;
  service!: ServiceProcess;
  readonly #testCount = countTests();

  /** Called while the suite is collected. */
  constructor(environment: Environment = {}) {
    beforeAll(async () => {
      this.redis = await RedisServer.start();
      this.service = await ServiceProcess.listening(onRedis(this.redis, environment));
      await isReady(this.service);
    });
    afterAll(async () => {
      await this.service.kill();
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

  get eventsUrl(): string {
    return eventsUrl(this.service.url, 's1', this.mid);
  }

  append(...events: object[]) {
    return post(this.eventsUrl, events);
  }

  /**
   * @param id that the client comes back with
   * @param base of another service
   */
  follow(id?: string, base = this.service.url): Promise<FeedClient> {
    const headers: Record<string, string> = id === undefined ? {} : { 'last-event-id': id };
    return openFeed(feedUrl(base, '', 's1', this.mid), headers);
  }

  /** Puts another list in the place of this one, in one step. */
  async replaceBy(events: readonly object[]): Promise<void> {
    const elements = events.map((event) => JSON.stringify(event));
    const client = this.redis.client();
    await client
      .multi()
      .del(this.key)
      .rpush(this.key, ...elements)
      .exec();
    client.disconnect();
  }
}

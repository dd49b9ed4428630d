import { resolve } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { FeedClient } from './feed-client.js';
import { RedisServer } from './redis-server.js';
import { ServiceProcess } from './service-process.js';
import { countTests } from './test-count.js';
import { type Environment, isReady, onRedis, openFeed } from './test-processes.js';
import { eventsUrl, feedUrl, post } from './worker.js';

const previous = resolve(import.meta.dirname, 'previous-version/bundle/main.js');
/** Their files are not in the bundle. */
const withoutPages = { INSPECTOR_ENABLED: 'false', DOCS_ENABLED: 'false' };

/** Both versions on one Redis for a whole suite, in which each test has a stream of its own. */
export class VersionsOfTest {
  redis!: RedisServer;
  /** Nodes of the version before this one, and of this one. */
  old!: ServiceProcess;
  new!: ServiceProcess;
  readonly #testCount = countTests();

  /** Called while the suite is collected. */
  constructor(environment: Environment) {
    beforeAll(async () => {
      this.redis = await RedisServer.start();
      const settings = onRedis(this.redis, environment);
      const main = { main: previous };
      this.old = new ServiceProcess({ PORT: '0', ...settings, ...withoutPages }, main);
      this.new = await ServiceProcess.listening(settings);
      await this.old.isListening();
      await Promise.all([isReady(this.old), isReady(this.new)]);
    });
    afterAll(async () => {
      await Promise.all([this.old.kill(), this.new.kill()]);
      await this.redis.stop();
    });
  }

  get mid(): string {
    return `m${this.#testCount()}`;
  }

  eventsUrl(node: ServiceProcess): string {
    return eventsUrl(node.url, 's1', this.mid);
  }

  feedUrl(node: ServiceProcess, query = ''): string {
    return feedUrl(node.url, query, 's1', this.mid);
  }

  async append(node: ServiceProcess, number: number): Promise<void> {
    const event = { type: 'answer', content: `${number}` };
    const { status } = await post(this.eventsUrl(node), event);
    expect(status).toBe(201);
  }

  /** The feed from there on, read to its end. */
  async follow(node: ServiceProcess, query: string, id?: string): Promise<FeedClient> {
    const headers: Record<string, string> = id === undefined ? {} : { 'last-event-id': id };
    const feed = await openFeed(this.feedUrl(node, query), headers);
    await feed.end();
    return feed;
  }

  async page(node: ServiceProcess): Promise<unknown> {
    return (await fetch(this.eventsUrl(node))).json();
  }

  async status(node: ServiceProcess): Promise<object> {
    const status = await fetch(this.eventsUrl(node).replace(/\/events$/, ''));
    // How long it lives is asked for as a time from now, and may differ by a millisecond. The old one has no inputs.
    const { expiresAt, inputs: _, ...rest } = (await status.json()) as Record<string, string>;
    expect(Date.parse(expiresAt as string)).toBeGreaterThan(Date.now());
    return rest;
  }
}

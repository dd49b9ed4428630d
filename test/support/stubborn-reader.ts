import { type FeedClient, openFeed } from './feed-client.js';
import { feedUrl } from './worker.js';

/** Follows a stream to its end over any number of connections. */
export class StubbornReader {
  readonly data: string[] = [];
  readonly ids: string[] = [];
  connections = 0;

  /** @param base of a node, or of what stands before it */
  constructor(
    readonly base: string,
    readonly mid: string,
  ) {}

  /** Resolves when it is told that all is said. */
  async readAll(): Promise<void> {
    let status = 0;
    while (status !== 204) status = await this.#readOn();
  }

  async #readOn(): Promise<number> {
    this.connections += 1;
    const id = this.ids.at(-1);
    const headers: Record<string, string> = id === undefined ? {} : { 'last-event-id': id };
    try {
      const feed = await openFeed(feedUrl(this.base, '', 's1', this.mid), headers);
      await feed.end();
      this.#take(feed);
      return feed.status;
    } catch {
      return 0; // the connection was cut before the head of the response
    }
  }

  #take(feed: FeedClient): void {
    for (const { data, id } of feed.frames) {
      this.data.push(data);
      this.ids.push(id as string);
    }
  }
}

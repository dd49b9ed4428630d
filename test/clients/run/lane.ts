import { TcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../../support/worker.js';
import type { Follower, ForeignClient, Received } from '../foreign-client.js';
import type { ScenarioName } from '../scenario.js';
import { Line } from './line.js';
import { compare, type Verdict } from './verdict.js';

/** Only ends what would never come; a client that is known to fail is not waited for as long. */
const deadlineMs = 120_000;
const limitedDeadlineMs = 30_000;
/** A client may be away when its stream ends, come back for the rest, and once more to hear that it was all. */
const maxRequestsAfterEnd = 3;

const endText = '<end>';

interface Event {
  readonly type: string;
  readonly content: string;
  readonly id?: string;
  readonly done?: boolean;
}

/** One client of a scenario with a stream, a worker and a line of its own. */
export class Lane {
  /** The contents of all events that were appended, in order. */
  readonly #appended: string[] = [];
  /** Which stream of this place it is, and how many events it has. */
  #stream = 1;
  #count = 0;
  #earlier: readonly Received[] = [];
  #follower: Follower | undefined;
  #hasHung = false;
  #neverStops = false;

  private constructor(
    readonly client: ForeignClient,
    readonly scenario: ScenarioName,
    readonly sid: string,
    readonly proxy: TcpProxy,
    readonly line: Line,
  ) {}

  static async open(
    client: ForeignClient,
    scenario: ScenarioName,
    sid: string,
    servicePort: number,
  ): Promise<Lane> {
    const line = new Line();
    const proxy = await TcpProxy.start(servicePort, line.fault);
    return new Lane(client, scenario, sid, proxy, line);
  }

  async close(): Promise<void> {
    await this.#follower?.close();
    await this.proxy.close();
  }

  /** @param token for its address; none where the service takes none */
  async follow(token?: string): Promise<void> {
    const query = token === undefined ? '' : `?token=${token}`;
    this.#follower = await this.client.follow(feedUrl(this.proxy.url, query, this.sid));
  }

  /** What its user does when another token is needed: opens another one at the last id. */
  async followAgain(token: string): Promise<void> {
    await this.#follower?.close();
    const received = await this.received();
    const lastId = received.at(-1)?.id;
    // Who gets no ids begins at the start, and drops what there was.
    this.#earlier = lastId ? received : [];
    await this.follow(lastId ? `${token}&offset=${lastId}` : token);
  }

  async received(): Promise<readonly Received[]> {
    return [...this.#earlier, ...((await this.#follower?.received()) ?? [])];
  }

  /** The stream of before is lost: what is appended next begins it anew. */
  beginAnew(): void {
    this.#stream += 1;
    this.#count = 0;
  }

  /** How the content begins of the event that comes after that many others. */
  beginOfNext(skipped: number): string {
    return `<${this.#stream}.${this.#count + skipped + 1} `;
  }

  /** Appends events in one body, each with a content of its own. */
  async append(serviceUrl: string, count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, index) => ({
      type: 'answer',
      id: 'a',
      content: `${this.beginOfNext(index)}é 漢字 🙂>`,
    }));
    this.#count += count;
    await this.#post(serviceUrl, events);
  }

  async delete(serviceUrl: string): Promise<void> {
    const { pathname } = new URL(eventsUrl(serviceUrl, this.sid));
    await fetch(new URL(pathname.replace('/events', ''), serviceUrl), { method: 'DELETE' });
  }

  /** Appends the terminal event. */
  async appendEnd(serviceUrl: string): Promise<void> {
    this.#count += 1;
    await this.#post(serviceUrl, [{ type: 'complete', content: endText, done: true }]);
  }

  async #post(serviceUrl: string, events: readonly Event[]): Promise<void> {
    // Noted before, as the client may have them sooner than the worker has its response.
    this.#appended.push(...events.map(({ content }) => content));
    const { status, body } = await post(eventsUrl(serviceUrl, this.sid), events);
    if (status !== 201 && status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
  }

  /** Resolves when the client has the newest event, maybe with others in one, or will not get it. */
  caughtUp(): Promise<void> {
    const newest = this.#appended.at(-1) as string;
    return this.until(async () =>
      (await this.received()).some(({ data }) => data.includes(newest)),
    );
  }

  /** Resolves when the client knows that there is nothing to come back for, or keeps asking. */
  async stopped(): Promise<void> {
    const { requests } = this.line;
    await this.until(async () => this.line.requests - requests > maxRequestsAfterEnd);
    if (!(await this.#isOver()) && !this.#hasHung) this.#neverStops = true;
  }

  /** Resolves when it holds, when the client has given up, or when it takes too long. */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    if (this.#hasHung) return;
    const isLimited = this.client.limits[this.scenario] !== undefined;
    const timeoutMs = isLimited ? limitedDeadlineMs : deadlineMs;
    const holds = async () => (await condition()) || (await this.#isOver());
    await waitFor('the client', holds, timeoutMs).catch(() => {
      this.#hasHung = true;
    });
  }

  async verdict(): Promise<Verdict> {
    if (this.#hasHung) return 'hangs';
    const faults = compare(await this.received(), this.#appended);
    return [...faults, ...(this.#neverStops ? ['never stops'] : [])].join(', ') || 'ok';
  }

  async #isOver(): Promise<boolean> {
    return (await this.#follower?.isOver()) ?? false;
  }
}

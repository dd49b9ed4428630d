import { onTestFinished } from 'vitest';
import { startService } from '../../support/test-processes.js';
import { waitFor } from '../../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../../support/worker.js';
import type { Follower, Received } from '../foreign-client.js';
import { type Engine, pageOrigin } from './engine.js';
import { breaks, type Tear, TearingServer } from './tearing-server.js';

/** Of one, two, three and four bytes a character. */
const contents = ['a é', '漢 🙂', 'last'];
const stored = [...contents, 'after'];

/** Browsers open six connections to an address at a time. */
const feedsPerServer = 4;
const serverCount = 3;

interface TornFeeds {
  /** The tears after which a page got something else than each event once, with what it got. */
  readonly wrong: readonly string[];
  readonly tearCount: number;
}

/**
 * Follows a feed once for each place where its response may break off, and by each break; then goes on with the
 * service.
 *
 * @param placesOf chosen from a response, from its head on
 * @param change what to make of the head of each request
 */
export async function tearFeeds(
  engine: Engine,
  placesOf: (response: Buffer) => readonly number[],
  change?: (head: string) => string,
): Promise<TornFeeds> {
  const service = await startService({ CORS_ORIGINS: await pageOrigin() });
  const servers = await Promise.all(
    Array.from({ length: serverCount }, () => TearingServer.start(service.url, change)),
  );
  onTestFinished(() => {
    for (const server of servers) server.close();
  });
  await post(eventsUrl(service.url), contents.map(eventOf));
  const recorded = await recordedBy(engine, servers[0] as TearingServer);
  for (const server of servers) server.recorded = recorded;
  await post(eventsUrl(service.url), eventOf('after'));

  const tears = placesOf(recorded).flatMap((after) => breaks.map((by) => ({ after, by })));
  const rest = tears.values();
  const wrong: string[] = [];
  const lanes = servers.flatMap((server) => Array.from({ length: feedsPerServer }, () => server));
  await Promise.all(
    lanes.map(async (server) => {
      for (const tear of rest) {
        const received = await receivedThrough(engine, server, tear);
        if (!isSound(received))
          wrong.push(`${tear.by} after ${tear.after}: ${JSON.stringify(received)}`);
      }
    }),
  );
  return { wrong, tearCount: tears.length };
}

/** Sooner than the service says, which makes this test long. */
function soon(response: Buffer): Buffer {
  return Buffer.from(response.toString('latin1').replace('retry: 2000', 'retry: 0050'), 'latin1');
}

async function recordedBy(engine: Engine, server: TearingServer): Promise<Buffer> {
  const follower = await engine.follow('native', feedUrl(server.url, '?record=yes'));
  await has(follower, 'last');
  await follower.close();
  return soon(server.recorded);
}

async function receivedThrough(engine: Engine, server: TearingServer, { after, by }: Tear) {
  const follower = await engine.follow('native', feedUrl(server.url, `?torn=${after}-${by}`));
  await has(follower, 'after', `, torn by ${by} after ${after}`);
  const received = await follower.received();
  await follower.close();
  return received;
}

/** Whatever came before it; or it is over before it has come. */
async function has(follower: Follower, content: string, how = ''): Promise<void> {
  const isThere = async () =>
    (await follower.received()).some(({ data }) => data.includes(`"content":"${content}"`));
  const has = async () => (await isThere()) || (await follower.isOver());
  await waitFor(`the event ${content}${how}`, has);
}

function isSound(received: readonly Received[]): boolean {
  return (
    received.map(({ data }) => data).join('\n') === stored.map(textOf).join('\n') &&
    received.every(({ id }, index) => id.startsWith(`${index + 1}-`))
  );
}

/** An event that the service stores as it stands. */
function eventOf(content: string) {
  return {
    type: 'answer',
    id: content,
    content,
    done: false,
    timestamp: '2026-01-01T00:00:00.000Z',
  };
}

function textOf(content: string): string {
  return JSON.stringify(eventOf(content));
}

import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventInput } from '../../src/events/event.js';
import type { StreamManager } from '../../src/store/stream-manager.js';
import { TestStream } from '../support/app-suite.js';
import { memoryBackend } from '../support/backends.js';
import { FinishedFeed } from '../support/finished-feed.js';
import type { FeedParser, ParsedEvent, ResponseEnd } from '../support/parsers/feed-parser.js';
import { knownParsers, webKit } from '../support/parsers/known-parsers.js';
import { parsersWithRequests } from '../support/parsers/parsers-with-requests.js';
import { startApp, type TestApp } from '../support/test-app.js';
import { waitFor } from '../support/wait-for.js';

/** Events that tell the state of a feed, and may come again. */
const controls = ['heartbeat', 'up-to-date', 'not-found', 'discard'];
const types = ['message', 'answer', 'tool_call', 'complete', 'reset', 'malformed', ...controls];
const parsers = [...knownParsers(types), ...parsersWithRequests(types)];

/** Of feeds of a stream that is there; those of `early` are opened before it is. */
const formats = ['', 'named=true', 'compact=true', 'offset=99'];
const early = ['named=true&control=true', 'offset=99&named=true&compact=true&control=true'];

const stored = [
  { type: 'answer', id: 'a', content: 'é' },
  { type: 'answer', id: 'a', content: '漢🙂', done: true },
  { type: 'tool_call', id: 'k', data: { name: 'a\u2028b' } },
  { type: 'malformed', id: 'm' },
];
const live = [
  { type: 'message', id: 'c', content: '\nid: 7\n\n' },
  { type: 'complete', id: 'd' },
];

/** Of WebKit's EventSource, whose responses begin with something of its own. */
const webKitHeaders = {
  'user-agent': 'Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15',
  'cache-control': 'no-cache',
};

/**
 * Who cannot have each event once and in order, and where in a frame: what was torn of it, from the
 * blank line before it on.
 */
const harmed: readonly {
  readonly name: string;
  readonly reason: string;
  readonly end: ResponseEnd;
  readonly torn: RegExp;
}[] = [
  {
    name: 'eventsource 2',
    reason: 'keeps the whole lines of a torn frame, and takes the next one for its rest',
    end: 'broken',
    torn: /\n/,
  },
  {
    name: '@microsoft/fetch-event-source 2',
    reason: 'notes an id at its line, and gives the event out at the blank line',
    end: 'broken',
    torn: /(^|\n)id: [^\n]+\n$/,
  },
  {
    name: 'extended-eventsource 2',
    reason: 'notes an id at its line, and gives the event out at the blank line',
    end: 'broken',
    torn: /(^|\n)id: [^\n]+\n$/,
  },
  {
    name: 'parse-sse',
    reason: 'takes the end of a response that looks complete for the end of a line and of a frame',
    end: 'complete',
    torn: /./,
  },
  {
    name: 'sse.js 2',
    reason: 'takes the end of a response that looks complete for the end of a frame',
    end: 'complete',
    torn: /./,
  },
];

/** Which need an event to note an id. */
const heedNoIdAlone = ['eventsource-parser 3', 'parse-sse', 'launchdarkly-eventsource 2'];

/** A store in which what is no event stands in the place of those of the type `malformed`. */
function withMalformed(store: StreamManager): StreamManager {
  const getEvents: StreamManager['getEvents'] = async (...place) => {
    const page = await store.getEvents(...place);
    const events = page.events.map((event) =>
      event.type === 'malformed' ? { ...event, type: null } : event,
    );
    return { ...page, events };
  };
  return new Proxy(store, {
    get: (_, name) => {
      if (name === 'getEvents') return getEvents;
      const value: unknown = Reflect.get(store, name);
      return typeof value === 'function' ? value.bind(store) : value;
    },
  });
}

/** A client whose first connection brings so much, and its second all that is left for it. */
async function eventsOfTorn(
  parser: FeedParser,
  feed: FinishedFeed,
  bytes: Buffer,
  end: ResponseEnd,
): Promise<readonly ParsedEvent[]> {
  const client = parser.create();
  await client.receive(bytes, end);
  await client.receive(await feed.from(client.lastId), 'broken');
  return client.events.filter(({ type }) => !controls.includes(type));
}

/**
 * What was torn of a frame by each cut after which a client loses, repeats or mixes up events.
 *
 * @param from the least that a client gets, in bytes
 */
async function harmfulTears(
  parser: FeedParser,
  feed: FinishedFeed,
  end: ResponseEnd = 'broken',
  from = 0,
): Promise<string[]> {
  const { bytes } = feed;
  const whole = await eventsOfTorn(parser, feed, bytes, 'broken');
  expect(new Set(whole.map(({ type }) => type)).size).toBeGreaterThan(1);
  expect(JSON.parse(whole.at(-1)?.data as string).type).toBe('complete');
  const tears: string[] = [];
  for (let length = from; length <= bytes.length; length += 1) {
    const torn = bytes.subarray(0, length);
    const events = await eventsOfTorn(parser, feed, torn, end);
    if (!areSame(events, whole)) tears.push(torn.toString().split('\n\n').at(-1) as string);
  }
  return tears;
}

/** Whether they are the same, or the same text where one event may stand for several. */
function areSame(events: readonly ParsedEvent[], whole: readonly ParsedEvent[]): boolean {
  if (asText(events) === asText(whole)) return true;
  return isDeepStrictEqual(events.reduce(fold, []), whole.reduce(fold, []));
}

function asText(events: readonly ParsedEvent[]): string {
  return events.map(({ type, data }) => `${type}\n${data}`).join('\n');
}

interface Text {
  readonly type: string;
  readonly event: unknown;
}

/** What a reader has that adds each text to the one before of the same id. */
function fold(read: readonly Text[], { type, data }: ParsedEvent): readonly Text[] {
  const event = parse(data);
  const last = read.at(-1)?.event as Partial<EventInput> | undefined;
  if (event?.id === undefined || event.id !== last?.id) return [...read, { type, event }];
  const content = `${last.content}${event.content}`;
  return [...read.slice(0, -1), { type, event: { ...event, content } }];
}

/** @returns null for what is no JSON, as two events in one */
function parse(data: string): Partial<EventInput> | null {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}

describe('A feed that is torn at any byte', () => {
  let app: TestApp;
  let store: StreamManager;
  let feeds: ReadonlyMap<string, FinishedFeed>;
  let webKitFeeds: ReadonlyMap<string, FinishedFeed>;
  let fromNow: FinishedFeed;

  beforeAll(async () => {
    store = withMalformed(await memoryBackend.create());
    app = await startApp(store, { feed: { heartbeatMs: 500, lingerMs: 0 } });
    const stream = new TestStream(app);
    const finished: Promise<void>[] = [];
    const open = (query: string, headers?: Record<string, string>) => {
      const feed = new FinishedFeed(`${stream.url}/stream?${query}`, headers);
      finished.push(feed.read());
      return feed;
    };
    const openAll = (queries: readonly string[], headers?: Record<string, string>) =>
      queries.map((query) => [query, open(query, headers)] as const);
    const earlyFeeds = [openAll(early), openAll(early, webKitHeaders)] as const;
    for (const [, feed] of earlyFeeds.flat()) {
      await waitFor('it has found no stream', () => /not-found|reset/.test(`${feed.bytes}`));
    }
    await stream.post(stored);
    feeds = new Map([...earlyFeeds[0], ...openAll(formats)]);
    webKitFeeds = new Map([...earlyFeeds[1], ...openAll(formats, webKitHeaders)]);
    fromNow = open('offset=now');
    for (const feed of [...feeds.values(), ...webKitFeeds.values(), fromNow]) {
      await waitFor('it has a heartbeat', () => feed.bytes.includes('heartbeat'));
    }
    for (const event of live) await stream.post(event);
    await Promise.all(finished);
  });
  afterAll(async () => {
    await app.close();
    await store.close();
  });

  const harmless = parsers.filter(
    ({ name }) => !harmed.some((one) => one.name === name && one.end === 'broken'),
  );

  it.each(harmless)('loses and repeats nothing for $name', async (parser) => {
    for (const [format, feed] of feeds) {
      expect(await harmfulTears(parser, feed), format).toEqual([]);
    }
  });

  it('loses and repeats nothing for WebKit, which continues a torn frame', async () => {
    for (const [format, feed] of webKitFeeds) {
      expect(await harmfulTears(webKit, feed), format).toEqual([]);
    }
  });

  it.each(harmed)('loses or repeats events for $name', async ({ name, end, torn }) => {
    const parser = parsers.find((one) => one.name === name) as FeedParser;
    const feed = feeds.get('') as FinishedFeed;
    const { bytes } = feed;
    // Half an id has its own rest to be asked for: so those that note one are torn in one frame only.
    const from = end === 'broken' ? 0 : bytes.lastIndexOf('\n\n', bytes.length - 3) + 2;
    const tears = await harmfulTears(parser, feed, end, from);
    expect(tears.length).toBeGreaterThan(0);
    expect(tears.filter((tear) => !torn.test(tear))).toEqual([]);
  });

  it('does not reveal its position to parsers that need an event with an id', async () => {
    const { bytes } = fromNow;
    const alone = bytes.subarray(0, bytes.indexOf('\n\n') + 2);
    expect(alone.toString()).toMatch(/\nid: 4-[\da-f]{8}\n\n$/);
    const heedless: string[] = [];
    for (const parser of parsers) {
      const client = parser.create();
      await client.receive(alone, 'broken');
      if (client.lastId === '') heedless.push(parser.name);
      else expect(client.lastId).toMatch(/^4-/);
    }
    expect(heedless).toEqual(heedNoIdAlone);
  });

  it('is documented for the parsers that lose or repeat events', () => {
    const protocol = readFileSync('docs/protocol.md', 'utf8');
    const names = [...harmed.map(({ name }) => name), ...heedNoIdAlone];
    for (const name of names) expect(protocol).toContain(name.replace(/^\S+/, '`$&`'));
  });
});

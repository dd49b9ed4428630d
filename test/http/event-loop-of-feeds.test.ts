import { get } from 'node:http';
import { expect, it } from 'vitest';
import type { StreamId } from '../../src/store/stream-manager.js';
import { describeApp } from '../support/app-suite.js';
import { memoryBackend } from '../support/backends.js';
import { complete, newStream, stored } from '../support/events.js';
import { longestBlock } from '../support/longest-block.js';
import { minOfAttempts } from '../support/min-of-attempts.js';

const mebibyte = 1024 ** 2 - 1000;

/** As many of them as an event has room for, separated by commas. */
const fill = (text: string) =>
  Array(Math.floor(mebibyte / (text.length + 1)))
    .fill(text)
    .join(',');

const event = (type: string, data: string, more = '') =>
  stored(JSON.parse(`{"type":"${type}","id":"x"${more},"data":${data}}`));

const chunk = (data: string) => event('ui_message_chunk', data);

/** What makes a format work, as hard as one event or one page can. */
const hostile: Readonly<Record<string, () => ReturnType<typeof stored>>> = {
  'empty arrays': () => event('note', `{"a":[${fill('[]')}]}`),
  'empty objects': () => event('note', `{"a":[${fill('{}')}]}`),
  keys: () => {
    const keys = Array.from({ length: 90_000 }, (_, index) => `"${index.toString(36)}":0`);
    return event('note', `{${keys.join(',')}}`);
  },
  'deep nesting': () => event('note', `{"a":[${fill('['.repeat(60) + ']'.repeat(60))}]}`),
  'line separators': () => event('answer', '{}', `,"content":"${'\\u2028'.repeat(150_000)}"`),
  sources: () => event('references', `{"references":[${fill('{"url":"u"}')}]}`),
  'arguments in a text': () =>
    stored({ type: 'tool_call', id: 'x', data: { arguments: `[${fill('[]')}]` } }),
  'arguments in a text, nested': () =>
    stored({ type: 'tool_call', id: 'x', data: { arguments: '['.repeat(200_000) } }),
  'arguments in a text, nested and closed': () =>
    stored({
      type: 'tool_call',
      data: { arguments: `{"a":${'['.repeat(9000)}${']'.repeat(9000)}}` },
    }),
  'metadata of a provider': () =>
    chunk(`{"type":"text-start","id":"t","providerMetadata":{"p":{"a":[${fill('[]')}]}}}`),
  'metadata of a tool': () =>
    chunk(
      `{"type":"tool-input-available","toolCallId":"c","toolName":"n","input":0,"toolMetadata":{"a":[${fill('{}')}]}}`,
    ),
  'calls that wait, and questions about the last one': () =>
    [
      ...Array.from({ length: 20_000 }, () => stored({ type: 'tool_call', id: '' })[0]),
      ...Array.from({ length: 5000 }, () => stored({ type: 'tool_approval_required', id: '' })[0]),
    ] as ReturnType<typeof stored>,
};

const pathOf = ({ sessionId, messageId }: StreamId) =>
  `/sessions/${sessionId}/messages/${messageId}`;

const formats = {
  plain: (stream: StreamId) => `${pathOf(stream)}/stream`,
  named: (stream: StreamId) => `${pathOf(stream)}/stream?named=true`,
  compact: (stream: StreamId) => `${pathOf(stream)}/stream?compact=true`,
  read: (stream: StreamId) => `${pathOf(stream)}/events`,
  'AI SDK': ({ sessionId }: StreamId) => `/ai-sdk/sessions/${sessionId}/stream`,
};

const inMemory = { on: [memoryBackend], feed: { lingerMs: 100 } };
describeApp('The event loop of feeds', inMemory, (source) => {
  /** Resolves when the feed has ended, as it does once `finish` has appended the last event. */
  async function receive(path: string, finish: () => Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const request = get(source.app.url + path, { agent: false }, (response) => {
        response.resume().on('close', resolve);
        setTimeout(() => finish().catch(reject), 20);
      });
      request.on('error', reject);
    });
  }

  /** What one ordinary event of a mebibyte costs to parse and to write, on this machine, now. */
  function baseline(): number {
    const text = `[${fill('{"a":1}')}]`;
    const before = process.cpuUsage();
    JSON.stringify(JSON.parse(text));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  }

  /** How far above its bound the longest block lies when a feed of this format carries them. */
  async function excess(
    format: keyof typeof formats,
    events: ReturnType<typeof stored>,
  ): Promise<number> {
    const stream = newStream();
    for (let from = 0; from < events.length; from += 1000) {
      await source.streams.appendEvents(stream, events.slice(from, from + 1000));
    }
    const finish = () => source.streams.appendEvents(stream, [complete()]);
    const longest = await longestBlock(() => receive(formats[format](stream), finish));
    return longest - (4 * baseline() + 20);
  }

  it.each(Object.entries(hostile))('is not blocked by %s in any format', async (what, create) => {
    const events = create();
    for (const format of Object.keys(formats) as (keyof typeof formats)[]) {
      const least = await minOfAttempts(() => excess(format, events), 0);
      expect(least, `${what} as ${format}, ms above the bound`).toBeLessThan(0);
    }
  });
});

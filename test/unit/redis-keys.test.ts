import { describe, expect, it } from 'vitest';
import {
  channelOf,
  hasSoundBraces,
  logKeyOfChannel,
  redisKeys,
} from '../../src/store/redis/redis-keys.js';

const stream = { sessionId: 's1', messageId: 'm1' };

describe('The keys of a stream in Redis', () => {
  it.each([
    ['stream:events', 'stream:events:s1:m1', '{stream:events:s1:m1}::state2'],
    ['wk:stream:t1:', 'wk:stream:t1::s1:m1', '{wk:stream:t1::s1:m1}::state2'],
    ['{t1}:stream', '{t1}:stream:s1:m1', '{t1}:stream:s1:m1::state2'],
    [' odd ', ' odd :s1:m1', '{ odd :s1:m1}::state2'],
  ])('begin with the prefix "%s", byte for byte', (prefix, list, state) => {
    expect(redisKeys(prefix, stream)).toMatchObject({ list, state });
  });

  it('can be found from the channel name', () => {
    for (const prefix of ['stream:events', 'wk:stream:t1:', '{t}']) {
      expect(logKeyOfChannel(prefix, channelOf(prefix, stream))).toBe('s1:m1');
      const inputs = channelOf(prefix, { ...stream, log: 'inputs' });
      expect(logKeyOfChannel(prefix, inputs)).toBe('s1:m1::inputs');
    }
  });

  it.each(['a', '{a}', 'a{b}c', '{a}{b}', 'a:'])('may have the prefix %s', (prefix) => {
    expect(hasSoundBraces(prefix)).toBe(true);
  });

  it.each(['{', '}', '{}', 'a{}b', '}{', '{{a}}', '{a}}', '{a'])(
    'may not have the prefix %s',
    (prefix) => {
      expect(hasSoundBraces(prefix)).toBe(false);
    },
  );
});

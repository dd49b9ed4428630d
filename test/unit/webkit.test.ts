import { describe, expect, it } from 'vitest';
import { keepsTornLines } from '../../src/http/routes/feed-response.js';

const agents = {
  Safari:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
  'Chrome on iOS':
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1',
  WebKitGTK:
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0 Safari/605.1.15',
  Chromium:
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36',
  Edge: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0',
  Firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  curl: 'curl/8.5.0',
} as const;

const keep = ['Safari', 'Chrome on iOS', 'WebKitGTK'];

describe('keepsTornLines', () => {
  it.each(Object.entries(agents))('recognises an EventSource by its headers: %s', (name, agent) => {
    const headers = { 'user-agent': agent, 'cache-control': 'no-cache' };
    expect(keepsTornLines(headers)).toBe(keep.includes(name));
  });

  it.each([
    {},
    { 'cache-control': 'no-cache' },
    { 'user-agent': agents.Safari },
    { 'user-agent': agents.Safari, 'cache-control': 'max-age=0' },
  ])('returns false for the headers %j', (headers) => {
    expect(keepsTornLines(headers)).toBe(false);
  });
});

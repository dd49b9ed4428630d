import { describe, expect, it } from 'vitest';
import { chromium, firefox, webKit } from './engine.js';
import { tearFeeds } from './torn-feeds.js';

describe.each([
  ['Chromium', chromium, everyPlace],
  // Before the first byte of the body, on a cross-origin page, it is closed for good.
  ['Firefox', firefox, everyPlaceInTheBody],
  ['WebKitGTK', webKit, everyPlace],
] as const)('The EventSource of %s', (_, engine, placesOf) => {
  it('delivers each event once, at whichever byte its feed breaks off', async () => {
    const { wrong, tearCount } = await tearFeeds(engine, placesOf);
    expect(wrong).toEqual([]);
    expect(tearCount).toBeGreaterThan(600);
  }, 1_200_000);
});

describe('The EventSource of WebKitGTK', () => {
  it('would take the next response for the rest of a torn frame without a discard event', async () => {
    const isAnother = (head: string) => head.replaceAll('AppleWebKit/', 'AnotherKit/');
    const { wrong } = await tearFeeds(webKit, placesInTheFirstEvent, isAnother);
    expect(wrong).not.toEqual([]);
  });
});

/** From behind the head to the end. */
function everyPlace(response: Buffer): number[] {
  const bodyAt = response.indexOf('\r\n\r\n') + 4;
  return Array.from({ length: response.length + 1 - bodyAt }, (_, index) => bodyAt + index);
}

/** From behind the first byte that is not the length of a chunk. */
function everyPlaceInTheBody(response: Buffer): number[] {
  const [bodyAt = 0] = everyPlace(response);
  const firstByteAt = response.indexOf('\r\n', bodyAt) + 2;
  return everyPlace(response).filter((place) => place > firstByteAt);
}

function placesInTheFirstEvent(response: Buffer): number[] {
  const dataAt = response.indexOf('data:');
  return Array.from({ length: 10 }, (_, index) => dataAt + 10 * index);
}

import { describe, expect, it } from 'vitest';
import { chromium, firefox, webKit } from './engine.js';
import { tearFeeds } from './torn-feeds.js';

const engines = { Chromium: chromium, Firefox: firefox, WebKitGTK: webKit };

describe.each(Object.entries(engines))('The EventSource of %s', (_, engine) => {
  it('has each event once, at whichever byte its feed breaks off', async () => {
    const { wrong, tearCount } = await tearFeeds(engine, everyPlace);
    expect(wrong).toEqual([]);
    expect(tearCount).toBeGreaterThan(600);
  }, 1_200_000);
});

describe('The EventSource of WebKitGTK', () => {
  it('takes the next response for the rest of what was torn, were it not told to discard that', async () => {
    const isAnother = (head: string) => head.replaceAll('AppleWebKit/', 'AnotherKit/');
    const { wrong } = await tearFeeds(webKit, placesOfTheFirstEvent, isAnother);
    expect(wrong).not.toEqual([]);
  });
});

/** From behind the head to the end. */
function everyPlace(response: Buffer): number[] {
  const bodyAt = response.indexOf('\r\n\r\n') + 4;
  return Array.from({ length: response.length + 1 - bodyAt }, (_, index) => bodyAt + index);
}

/** Some, in its data. */
function placesOfTheFirstEvent(response: Buffer): number[] {
  const dataAt = response.indexOf('data:');
  return Array.from({ length: 10 }, (_, index) => dataAt + 10 * index);
}

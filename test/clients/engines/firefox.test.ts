import { describe, expect, it } from 'vitest';
import { freePort } from '../../support/free-port.js';
import { isReady, onRedis, startRedis, startService } from '../../support/test-processes.js';
import { waitFor } from '../../support/wait-for.js';
import { eventsUrl, feedUrl, post } from '../../support/worker.js';
import { firefox, pageOrigin } from './engine.js';

const answers = (...contents: string[]) => contents.map((content) => ({ type: 'answer', content }));

describe('The example page, in Firefox and across origins,', () => {
  it('reconnects when a failed connection has closed its EventSource for good', async () => {
    const redis = await startRedis();
    const settings = onRedis(redis, {
      CORS_ORIGINS: await pageOrigin(),
      PORT: String(await freePort()),
      FEED_LINGER: '300ms',
    });
    const first = await startService(settings);
    await isReady(first);
    const page = await firefox.page();
    const parameters = new URLSearchParams({ url: `${first.url}/sessions/s1/messages/m1` });
    await page.evaluate(`(() => {
      const frame = document.createElement('iframe');
      frame.src = '/example?${parameters}';
      document.body.append(frame);
    })()`);
    const main = `document.querySelector('iframe').contentDocument?.querySelector('main')`;
    const has = (state: string, text: string) =>
      waitFor(`it is ${state} with ${text}`, () =>
        page.evaluate<boolean>(
          `${main}?.dataset.status === '${state}' && ${main}.querySelector('p').textContent === '${text}'`,
        ),
      );
    const bare = await firefox.follow('native', feedUrl(first.url));
    await post(eventsUrl(first.url), answers('a', 'b'));
    await has('open', 'ab');
    await first.kill();
    await waitFor('an EventSource that nobody opens again is closed', () => bare.isOver());
    await has('connecting', 'ab');

    const second = await startService(settings);
    await isReady(second);
    await post(eventsUrl(second.url), [...answers('c', 'd'), { type: 'complete' }]);
    await has('complete', 'abcd');
    expect(await bare.received()).toHaveLength(2);
    await page.evaluate(`document.querySelector('iframe').remove()`);
  });
});

import { describe, expect, it } from 'vitest';
import { formatApiKey } from '../../src/auth/api-keys.js';
import { clockToleranceSeconds } from '../../src/auth/reader-tokens.js';
import { makeKey } from '../support/keys.js';
import { sharedService } from '../support/shared-service.js';
import { secondsFromNow, secret, sign } from '../support/tokens.js';
import { waitFor } from '../support/wait-for.js';
import { eventsUrl, post } from '../support/worker.js';
import { InspectorPage } from './inspector-page.js';

const worker = makeKey('append');

describe('The inspector of a service with API keys and reader tokens', () => {
  const environment = {
    AUTH_API_KEYS: formatApiKey(worker.key),
    AUTH_READER_SECRET: secret,
    FEED_LINGER: '0',
  };
  const service = sharedService(() => environment);

  it('follows with a token in the address of its feed, and lists and stops with the same in a header', async () => {
    await post(
      eventsUrl(service.url, service.sid),
      { type: 'answer', content: 'one' },
      worker.headers,
    );
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`);
    await inspector.says(/needs a reader token/);
    const token = await sign({ sid: service.sid, scope: 'read stop' });
    await inspector.enter('Reader token', token);
    await inspector.page.locator('#streams li').getByText('m1').waitFor();
    await inspector.click('Resume');
    await inspector.hasFrames(1);
    await inspector.click('Stop');
    await inspector.says(/^All 2 events came, each once and in order/);

    const ofToken = inspector.requests.filter(({ url, headers }) =>
      [url, headers.authorization].some((text) => text?.includes(token)),
    );
    const kinds = ofToken.map(({ url, headers }) => {
      const path = new URL(url).pathname;
      return `${path.replace(/^.*(?=\/)/, '')} ${headers.authorization === undefined ? 'address' : 'header'}`;
    });
    expect(new Set(kinds)).toEqual(
      new Set([`/${service.sid} header`, '/stream address', '/stop header', '/events header']),
    );
    expect(await inspector.page.evaluate<string>('location.href')).not.toContain(token);
  });

  it('appends a sample run with a key, and goes on with another token when the first has expired', async () => {
    const inspector = await InspectorPage.open(service.url);
    const claims = { sid: 'demo', scope: 'read input' };
    await inspector.enter('API key', worker.token);
    // On a machine that is too busy it expires before anything came: then another run, for longer.
    for (let seconds = 8, hasBegun = false; !hasBegun; seconds *= 2) {
      const exp = secondsFromNow(seconds - clockToleranceSeconds);
      await inspector.enter('Reader token', await sign({ ...claims, exp }));
      await inspector.click('Sample run');
      hasBegun = await inspector.hasFramesUnless(10, /The token is rejected/);
    }
    await inspector.says(/^The token is rejected: it has expired\. Enter another token/);
    await inspector.page.locator('#streams-note').getByText('it has expired').waitFor();
    const before = (await inspector.frames).length;

    await inspector.enter('Reader token', await sign(claims));
    await inspector.click('Resume');
    await inspector.click('Approve');
    await inspector.says(/^All \d+ events came, each once and in order/);
    const ids = (await inspector.frames).map(({ id }) => Number.parseInt(id, 10));
    expect(ids.length).toBeGreaterThan(before);
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    await waitFor('the list', () => inspector.page.locator('#streams li').isVisible());
    const appends = inspector.requests.filter(({ url }) => /\/events$/.test(url));
    expect(new Set(appends.map(({ headers }) => headers.authorization))).toEqual(
      new Set([`Bearer ${worker.token}`]),
    );
  });

  it('shows why a stop, or the list, is not allowed with a token', async () => {
    await post(
      eventsUrl(service.url, service.sid),
      { type: 'answer', content: 'one' },
      worker.headers,
    );
    const inspector = await InspectorPage.open(service.url, `?sid=${service.sid}&mid=m1`);
    await inspector.enter(
      'Reader token',
      await sign({ sid: service.sid, mid: 'm1', scope: 'read' }),
    );
    await inspector.click('Resume');
    await inspector.hasFrames(1);
    await inspector.click('Stop');
    await inspector.page.getByRole('alert').getByText('The token does not allow this').waitFor();
    await inspector.page.getByText('This key or token may not list the session.').waitFor();
  });
});

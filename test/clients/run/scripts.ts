import { setTimeout as sleep } from 'node:timers/promises';
import { secondsFromNow, secret, sign } from '../../support/tokens.js';
import type { ScenarioName } from '../scenario.js';
import { tears } from './line.js';
import type { Run } from './run.js';

export interface Script {
  readonly backend: 'memory' | 'Redis';
  /** Of the service, besides those that all have. */
  readonly settings: Readonly<Record<string, string>>;
  /** What the table says of it. */
  readonly title: string;
  play(run: Run): Promise<void>;
}

/** Each fault is injected twice, with events before it, while the client is away, and while it catches up. */
const times = 2;

export const scripts: Readonly<Record<ScenarioName, Script>> = {
  FIN: onMemory('the connection ends between two frames', {}, async (run) => {
    await cutConnections(run, (run) => run.each(({ proxy }) => proxy.finish()));
  }),
  RST: onMemory('the connection is reset', {}, async (run) => {
    await cutConnections(run, (run) => run.each(({ proxy }) => proxy.reset()));
  }),
  'FIN in a frame': onMemory('the connection ends in the middle of a frame', {}, async (run) => {
    await run.append(12); // ids of which a part is another id
    await run.each((lane) => lane.follow());
    for (const tear of tears) {
      await run.caughtUp();
      await run.each(async (lane) => {
        lane.line.tearFrameOf(lane.beginOfNext(1), tear);
        await lane.append(run.service.url, 3);
        await lane.until(() => lane.line.hasTorn);
      });
      await run.append(2);
    }
    await run.caughtUp();
    await run.end();
  }),
  'black hole': onMemory(
    'the connection stays open, and nothing comes any more',
    {},
    async (run) => {
      await cutConnections(run, (run) => run.each(({ line }) => line.swallowAll()));
    },
  ),
  'restart, memory': onMemory('the service restarts and has lost the stream', {}, async (run) => {
    await cutConnections(run, (run, time) => run.restart(signals[time] as 'SIGTERM', 'nothing'));
  }),
  'restart, Redis': {
    backend: 'Redis',
    title: 'the service restarts',
    settings: {},
    play: (run) =>
      cutConnections(run, (run, time) => run.restart(signals[time] as 'SIGTERM', 'streams')),
  },
  max_age: onMemory('the feed ends because of its age', { FEED_MAX_AGE: '1500ms' }, async (run) => {
    await cutConnections(run, async (run) =>
      run.each(async (lane) => {
        const { requests } = lane.line;
        await lane.until(async () => {
          await lane.append(run.service.url, 1);
          await sleep(300);
          return lane.line.requests > requests;
        });
      }),
    );
  }),
  DELETE: onMemory('the stream is deleted', { FEED_START_TIMEOUT: '1s' }, async (run) => {
    await run.append(3);
    await run.each((lane) => lane.follow());
    await run.caughtUp();
    await run.each(async (lane) => {
      await lane.delete(run.service.url);
      await lane.stopped();
    });
  }),
  'token expiry': onMemory(
    'the token of the address expires',
    { AUTH_READER_SECRET: secret },
    async (run) => {
      const token = (sid: string, seconds: number) =>
        sign({ sid, scope: 'read', exp: secondsFromNow(seconds) });
      await run.append(3);
      // Each at its own pace: a token does not wait for other clients.
      await run.each(async (lane) => {
        await lane.follow(await token(lane.sid, 0));
        for (let time = 1; time <= times; time += 1) {
          const { rejections } = lane.line;
          await lane.append(run.service.url, 3);
          await lane.until(() => lane.line.rejections > rejections);
          await lane.stopped();
          await lane.append(run.service.url, 3);
          await lane.followAgain(await token(lane.sid, time < times ? 0 : 600));
        }
      });
      await run.caughtUp();
      await run.end();
    },
  ),
  end: onMemory('the stream ends', {}, async (run) => {
    await run.append(3);
    await run.each((lane) => lane.follow());
    await run.caughtUp();
    await run.end();
  }),
};

const signals = ['SIGTERM', 'SIGKILL'] as const;

async function cutConnections(
  run: Run,
  cut: (run: Run, time: number) => Promise<void>,
): Promise<void> {
  await run.append(3);
  await run.each((lane) => lane.follow());
  for (let time = 0; time < times; time += 1) {
    await run.append(3);
    await run.caughtUp();
    await cut(run, time);
    await run.append(3);
  }
  await run.append(2);
  await run.caughtUp();
  await run.end();
}

function onMemory(title: string, settings: Script['settings'], play: Script['play']): Script {
  return { backend: 'memory', title, settings, play };
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/errors.js';
import type { StreamManager } from '../../src/store/stream-manager.js';
import { describeApp } from '../support/app-suite.js';
import { memoryBackend } from '../support/backends.js';
import { answers } from '../support/events.js';
import { startApp } from '../support/test-app.js';
import { faultsOf } from './checker.js';
import { fuzz } from './fuzz.js';
import { requests } from './requests.js';
import { send } from './send.js';

const session = 'fuzzed';
const other = { sessionId: 'other', messageId: 'other' };

/** Finds the faults of every exchange, whatever is sent. */
function property(url: string, streams: StreamManager) {
  return fc.asyncProperty(requests(session), async (request) => {
    const [sessionId, messageId] = request.ids;
    const log = request.sent.route === 'inputs' ? ({ log: 'inputs' } as const) : {};
    const count = async () =>
      (await streams.getStatus({ sessionId, messageId, ...log }))?.nextOffset ?? 0;
    const known = await streams.getStatus(other);
    const before = await count();
    const response = await send(url, request);
    const after = await count();
    const now = await streams.getStatus(other);
    const isOtherChanged =
      known?.lastEvent?.bytes.compare(now?.lastEvent?.bytes ?? Buffer.of()) !== 0;
    const { sent } = request;
    expect(faultsOf({ sent, response, before, after, isOtherChanged })).toEqual([]);
  });
}

const limits = { eventBytes: 2000, bodyBytes: 10_000 };

describeApp('Any fuzzed request', { limits }, (source) => {
  it('gets a documented response, and the service stays up', async () => {
    await source.streams.appendEvents(other, answers(3));
    await fuzz(property(source.app.url, source.streams), 1000);
    expect((await fetch(`${source.app.url}/healthz`)).status).toBe(200);
  });
});

describe('The fuzzer', () => {
  /** Defects that a store may have. */
  const defects: Record<string, (streams: StreamManager) => Partial<StreamManager>> = {
    'that says nothing was stored of what was': (streams) => ({
      appendEvents: async (...call) => {
        await streams.appendEvents(...call);
        throw new ServiceError('stream_full', 'a planted defect', { stored: 0 });
      },
    }),
    'that drops the last event of a batch': (streams) => ({
      appendEvents: async (stream, events, options) => {
        const appended = await streams.appendEvents(stream, events.slice(0, -1), options);
        return { ...appended, count: events.length };
      },
    }),
    'that writes to another stream': (streams) => ({
      appendEvents: (_, ...rest) => streams.appendEvents(other, ...rest),
    }),
    'that fails': () => ({
      getEvents: async () => {
        throw new Error('a planted defect');
      },
    }),
  };

  const seeded = { seed: 1, numRuns: 500, endOnFailure: true };

  it.each(Object.entries(defects))('finds the defect of a store %s', async (_, defect) => {
    const details = await run(defect);
    expect(details).toMatchObject({ failed: true });
    expect(details.counterexample).not.toBeNull();
  });

  it('finds nothing in the same requests when there is no defect', async () => {
    expect(await run(() => ({}))).toMatchObject({ failed: false, numRuns: seeded.numRuns });
  });

  /** The same requests for each defect. */
  async function run(defect: (streams: StreamManager) => Partial<StreamManager>) {
    const streams = await memoryBackend.create();
    await streams.appendEvents(other, answers(3));
    const app = await startApp(withDefect(streams, defect(streams)), { limits });
    const details = await fc.check(property(app.url, streams), seeded);
    await app.close();
    await streams.close();
    return details;
  }
});

function withDefect(streams: StreamManager, defect: Partial<StreamManager>): StreamManager {
  return new Proxy(streams, {
    get: (target, name) => {
      if (Object.hasOwn(defect, name)) return Reflect.get(defect, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

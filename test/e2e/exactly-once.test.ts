import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { newSeed, randomFrom } from '../support/random.js';
import { RedisServer } from '../support/redis-server.js';
import { ServiceProcess } from '../support/service-process.js';
import { allContents } from '../support/stored-contents.js';
import { StubbornReader } from '../support/stubborn-reader.js';
import {
  type BodyKind,
  bodyKinds,
  numberedRun,
  StubbornWorker,
} from '../support/stubborn-worker.js';
import { lossy, TcpProxy } from '../support/tcp-proxy.js';
import { clientOf, isReady, onRedis, startRedis, startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';

const losses = { response: 0.05, request: 0.01 };
/** Of each stream of single events; EXACTLY_ONCE_EVENTS=500 makes them 10,000 together. */
const singleEvents = Number(process.env.EXACTLY_ONCE_EVENTS ?? 12);
/** Single events are many requests: fewer, on many streams at once. */
const runsOf: Record<BodyKind, { streams: number; events: number }> = {
  'one event': { streams: 20, events: singleEvents },
  arrays: { streams: 2, events: 1500 },
  NDJSON: { streams: 2, events: 1500 },
};
const seed = newSeed();
const brief = { FEED_LINGER: '100ms' };

describe.each(['memory', 'redis'])('Over a network that loses responses (%s)', (backend) => {
  let redis: RedisServer | undefined;
  let service: ServiceProcess;
  let proxy: TcpProxy;
  beforeAll(async () => {
    console.log(`SEED=${seed}`);
    if (backend === 'redis') redis = await RedisServer.start();
    service = await ServiceProcess.listening(redis === undefined ? brief : onRedis(redis, brief));
    await isReady(service);
    proxy = await TcpProxy.start(
      Number(new URL(service.url).port),
      lossy(randomFrom(seed), losses),
    );
  });
  afterAll(async () => {
    await proxy.close();
    await service.kill();
    await redis?.stop();
  });

  it.each(bodyKinds)('each event is stored and read once, in order, sent as %s', async (kind) => {
    const { streams, events: count } = runsOf[kind];
    const events = numberedRun(count);
    const runs = Array.from({ length: streams }, (_, index) => {
      const mid = `${kind} ${index}`.replaceAll(' ', '-');
      const random = randomFrom(seed + index);
      const worker = new StubbornWorker({ bases: [proxy.url], mid, kind, random });
      return { mid, worker, reader: new StubbornReader(proxy.url, mid) };
    });
    const startedAt = performance.now();
    await Promise.all(
      runs.flatMap(({ worker, reader }) => [worker.sendAll(events), reader.readAll()]),
    );
    const tookMs = performance.now() - startedAt;

    const failures = runs.reduce((sum, { worker }) => sum + worker.failures, 0);
    const connections = runs.reduce((sum, { reader }) => sum + reader.connections, 0);
    console.log(
      `${kind}: ${streams * count} events in ${tookMs.toFixed(0)} ms, ${failures} answers lost, ` +
        `${connections} connections of ${streams} readers`,
    );
    expect(failures).toBeGreaterThan(0);
    for (const { mid, worker, reader } of runs) {
      expect(worker.rejections).toEqual([]);
      const stored = await allContents(service, mid);
      expect(stored).toEqual(events.map(({ content }) => content));
      expect(reader.data.map((data) => JSON.parse(data).content)).toEqual(stored);
      expect(reader.ids.map((id) => Number.parseInt(id, 10))).toEqual(
        stored.map((_, index) => index + 1),
      );
    }
  });
});

describe('Over a Redis that loses replies and requests', () => {
  it('each event is stored once, in order, whatever was unknown in between', async () => {
    console.log(`SEED=${seed}`);
    const redis = await startRedis();
    const losing = lossy(randomFrom(seed), { response: 0.02, request: 0.01 });
    const proxy = await TcpProxy.start(redis.port, losing);
    onTestFinished(() => proxy.close());
    const service = await startService({
      ...onRedis(redis, brief),
      REDIS_ADDR: `127.0.0.1:${proxy.port}`,
    });
    await waitFor('it is connected', () => service.output.includes('Redis is connected'));
    const events = numberedRun(90);
    const workers = bodyKinds.flatMap((kind, index) =>
      [0, 1, 2].map((copy) => {
        const random = randomFrom(seed + index + copy);
        const mid = `m${index}${copy}`;
        return new StubbornWorker({ bases: [service.url], mid, kind, random, maxBatch: 10 });
      }),
    );
    await Promise.all(workers.map((worker) => worker.sendAll(events)));

    const rejections = workers.flatMap((worker) => worker.rejections);
    console.log(
      `${proxy.connectionCount} connections to Redis, ${rejections.length} times unknown`,
    );
    expect(new Set(rejections)).toEqual(new Set(['backend_unavailable']));
    for (const { options } of workers) {
      const list = await clientOf(redis).lrange(`stream:events:s1:${options.mid}`, 0, -1);
      expect(list.map((event) => JSON.parse(event).content)).toEqual(
        events.map(({ content }) => content),
      );
    }
  });
});

import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { RedisLeases } from '../../src/store/redis/leases.js';
import { RedisCalls } from '../../src/store/redis/redis-calls.js';
import { createScriptClient, type ScriptClient } from '../../src/store/redis/script-client.js';
import { RedisSessions } from '../../src/store/redis/session-index.js';
import type { StreamId } from '../../src/store/stream-manager.js';
import { inputLimits, sharedRedis, silentLogger } from '../support/backends.js';
import { RedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';

const limits = {
  ...inputLimits,
  maxStreamEvents: 10,
  maxStreamBytes: 1000,
  maxSessionStreams: 100_000,
};
const ttlMs = 3_600_000;

/** So few that Redis replies to all of them in time on a busy machine. */
const atOnce = 100;

/** Of the cache. */
type Bound = { readonly maxRemembered?: number };
/** What is done before each append to a stream, if need be. */
type Note = (stream: StreamId) => Promise<unknown>;

describe('Redis, under appends to many streams in turn,', () => {
  let server: RedisServer;
  let redis: Redis;
  let client: ScriptClient;
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = server.client();
    client = createScriptClient({ ...sharedRedis(), addresses: [server.endpoint] }, silentLogger, {
      ttlMs,
      maxAgeMs: ttlMs,
      limits,
    });
    await waitFor('the client is connected', () => client.status === 'ready');
  });
  afterAll(async () => {
    client.disconnect();
    redis.disconnect();
    await server.stop();
  });

  const ofSessions = (bound: Bound = {}): Note => {
    const prefix = randomUUID();
    const getStatus = async () => null;
    const calls = new RedisCalls(client, silentLogger);
    const sessions = new RedisSessions({ calls, prefix, limits, ttlMs, getStatus, ...bound });
    return (stream) => sessions.admit(stream);
  };
  const ofLeases = (bound: Bound = {}): Note => {
    const prefix = randomUUID();
    const calls = new RedisCalls(client, silentLogger);
    const leases = new RedisLeases({ calls, prefix, ...bound });
    onTestFinished(() => leases.close());
    return (stream) => leases.schedule(stream, 600_000);
  };

  /** How many scripts ran while each of that many streams was noted once. */
  async function scriptsOfTurn(note: Note, count: number): Promise<number> {
    const before = await scripts();
    for (let from = 0; from < count; from += atOnce) {
      const length = Math.min(atOnce, count - from);
      const some = Array.from({ length }, (_, index) => from + index);
      await Promise.all(some.map((number) => note({ sessionId: 's1', messageId: `m${number}` })));
    }
    return (await scripts()) - before;
  }

  async function scripts(): Promise<number> {
    const stats = await redis.info('commandstats');
    return ['eval', 'evalsha'].reduce((sum, name) => {
      return sum + Number(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0);
    }, 0);
  }

  const notes = [
    ['the sessions', ofSessions],
    ['the deadlines of leases', ofLeases],
  ] as const;

  /** The leases ask once a second what is due. */
  const checks = 10;

  it.each(notes)('gets one command for %s of 21,000 streams, or 19,000', async (_what, begin) => {
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now()); // nothing expires meanwhile
    onTestFinished(() => clock.mockRestore());
    const note = begin();
    expect(await scriptsOfTurn(note, 19_000)).toBeGreaterThanOrEqual(19_000);
    expect(await scriptsOfTurn(note, 19_000)).toBeLessThan(checks);
    expect(await scriptsOfTurn(note, 21_000)).toBeLessThan(2000 + checks);
    expect(await scriptsOfTurn(note, 21_000)).toBeLessThan(checks);
  });

  it.each(notes)(
    'gets commands for %s only beyond the bound of the cache',
    async (_what, begin) => {
      const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now());
      onTestFinished(() => clock.mockRestore());
      const note = begin({ maxRemembered: 200 });
      await scriptsOfTurn(note, 250);
      for (let turn = 0; turn < 3; turn += 1) {
        const count = await scriptsOfTurn(note, 250);
        expect(count).toBeGreaterThanOrEqual(50);
        expect(count).toBeLessThan(50 + checks);
      }
    },
  );
});

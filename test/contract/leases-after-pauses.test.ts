import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { StreamId, StreamManager } from '../../src/store/stream-manager.js';
import { redisBackend } from '../support/backends.js';
import { answers, newStream } from '../support/events.js';
import { RedisServer } from '../support/redis-server.js';
import { unlessStalled } from '../support/unless-stalled.js';

const leaseMs = 3000;
/** Shorter than the lease, and still longer than many of them have left. */
const pauseMs = 2300;

/** Renews its lease again and again, whether or not the one before has its response. */
class Renewals {
  readonly stream = newStream();
  /** Since 1970, as the ends of streams are noted. */
  readonly #sentAt: number[] = [];
  #timer: NodeJS.Timeout | null = null;

  async start(manager: StreamManager): Promise<void> {
    await manager.appendEvents(this.stream, answers(1), { leaseMs });
    this.#timer = setInterval(() => {
      this.#sentAt.push(Date.now());
      manager.renewLease(this.stream, { leaseMs }).catch(() => {});
    }, leaseMs / 3);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** How long before this moment the last one was sent. */
  silenceAt(moment: number): number {
    return moment - Math.max(...this.#sentAt.filter((at) => at <= moment));
  }
}

it('A Redis that hangs for less than a lease expires no lease of a live worker', async () => {
  const redis = await RedisServer.start();
  onTestFinished(() => redis.stop());
  await unlessStalled(leaseMs / 2, () => outlivePauses(redis));
});

async function outlivePauses(redis: RedisServer): Promise<void> {
  const nodes = [await managerOn(redis), await managerOn(redis)] as const;
  const workers = Array.from({ length: 30 }, () => new Renewals());
  await Promise.all(workers.map((worker, index) => worker.start(nodes[index % 2 ? 1 : 0])));
  await sleep(1.5 * leaseMs); // since when the store was reachable, a lease has passed
  const pauses: number[] = [];
  for (let count = 0; count < 5; count += 1) {
    const stoppedAt = Date.now();
    redis.signal('SIGSTOP');
    await sleep(pauseMs);
    redis.signal('SIGCONT');
    pauses.push(Date.now() - stoppedAt);
    await sleep(leaseMs / 3 + count * 170);
  }
  for (const worker of workers) worker.stop();
  const ends = await Promise.all(workers.map(({ stream }) => endOf(nodes[0], stream)));
  const silences = workers.flatMap((worker, index) => {
    const endedAt = ends[index] ?? null;
    return endedAt === null ? [] : [Math.max(worker.silenceAt(endedAt), ...pauses)];
  });
  // On a machine that is too busy, some come too late, or a pause lasts for a lease.
  expect(silences.filter((ms) => ms < leaseMs)).toEqual([]);
  expect(silences.length, 'not one lives').toBeLessThan(workers.length);
}

async function managerOn(redis: RedisServer): Promise<StreamManager> {
  const manager = await redisBackend.create({
    redis: { addresses: [redis.endpoint], prefix: 'p' },
  });
  onTestFinished(() => manager.close());
  return manager;
}

/** When it was ended, since 1970; null while it is open. */
async function endOf(manager: StreamManager, stream: StreamId): Promise<number | null> {
  const end = (await manager.getEvents(stream, 1, 1)).events[0];
  return end === undefined ? null : Date.parse(JSON.parse(String(end.bytes)).timestamp);
}

import type { Redis } from 'ioredis';
import type { Fault, Run } from '../fault.js';
import type { Findings } from '../findings.js';
import { sessionOfLoad } from '../load/load.js';
import { judgeDelivery } from './judge-recovery.js';
import { limit } from './limit.js';
import { redisUnderLoad } from './under-load.js';

const victim = 'm0';
const key = `stream:events:${sessionOfLoad}:${victim}`;

export const keyOverwritten = foreign({
  name: 'key-overwritten',
  title: 'another program puts a string over the key of one stream',
  write: (client) => client.set(key, 'something else'),
});

export const junkPushed = foreign({
  name: 'junk-pushed',
  title: 'another program pushes elements that are not events into the list of one stream',
  write: (client) => client.rpush(key, 'no JSON', '{"type":7}', Buffer.of(0xff, 0xfe)),
});

export const hugeElementPushed = foreign({
  name: 'huge-element-pushed',
  title: 'another program pushes an element of 10 MB into the list of one stream',
  write: (client) => client.rpush(key, `{"type":"answer","content":"${'x'.repeat(10_000_000)}"}`),
});

interface Foreign extends Pick<Fault, 'name' | 'title'> {
  readonly write: (client: Redis) => Promise<unknown>;
}

function foreign({ name, title, write }: Foreign): Fault {
  const promise =
    'only that stream is affected: nothing of the others is lost, repeated, reset or late';
  const runs = 5;
  return { name, backend: 'Redis', title, promise, runs, inject: (run) => inject(run, write) };
}

/** The victim is left out of the judgement; the others must not notice anything. */
async function inject(run: Run, write: Foreign['write']): Promise<Findings> {
  const { redis, load, storedOf } = await redisUnderLoad(run);
  const client = run.scope.add(redis.client(), (opened) => opened.disconnect());
  await write(client);
  await load.goesOn(load.options.eventsPerSecond * (run.isFull ? 3 : 2));
  await load.giveUp(victim);
  const found = await judgeDelivery({ load, storedOf }, 2000);
  return limit(found, { 'other streams reset': [found.resets, 0] });
}

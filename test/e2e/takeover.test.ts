import { describe, expect, it } from 'vitest';
import { newSeed, randomFrom } from '../support/random.js';
import type { ServiceProcess } from '../support/service-process.js';
import { allContents } from '../support/stored-contents.js';
import {
  type BodyKind,
  bodyKinds,
  numberedRun,
  StubbornWorker,
} from '../support/stubborn-worker.js';
import { isReady, onRedis, startRedis, startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';

const seed = newSeed();
const endless = numberedRun(100_000, 'first ');
const run = numberedRun(60, 'second ');
/** NDJSON bodies are so long that the other takes over in the middle of one. */
const maxBatches: Record<BodyKind, number> = { 'one event': 1, arrays: 20, NDJSON: 20_000 };

const setUps = ['memory', 'one node on Redis', 'two nodes on Redis'] as const;

describe.each(setUps)('A worker that takes over with a higher epoch (%s)', (setUp) => {
  it('has the stream to itself from its first stored event on', async () => {
    console.log(`SEED=${seed}`);
    const nodes = await startNodes(setUp);
    const pairs = bodyKinds.flatMap((kind) => bodyKinds.map((other) => [kind, other] as const));
    const counts = await Promise.all(
      pairs.map(([kind, other], index) => takeOver(nodes, `m${index}`, kind, other)),
    );
    console.log(`stored by the first ones before: ${counts.join(', ')}`);
  });
});

async function startNodes(setUp: (typeof setUps)[number]) {
  const settings = setUp === 'memory' ? {} : onRedis(await startRedis());
  const one = await startService(settings);
  const other = setUp === 'two nodes on Redis' ? await startService(settings) : one;
  await Promise.all([one, other].map(isReady));
  return [one, other] as const;
}

/** @returns how many events the first worker has stored */
async function takeOver(
  nodes: readonly [ServiceProcess, ServiceProcess],
  mid: string,
  kind: BodyKind,
  otherKind: BodyKind,
): Promise<number> {
  const [first, second] = [kind, otherKind].map((each, index) => {
    const bases = [nodes[index]?.url as string];
    const random = randomFrom(seed + index);
    const epoch = index + 3;
    return new StubbornWorker({
      bases,
      mid,
      kind: each,
      random,
      epoch,
      maxBatch: maxBatches[each],
    });
  }) as [StubbornWorker, StubbornWorker];
  const fenced = first.sendAll(endless);
  await waitFor('it works', async () => (await allContents(nodes[1], mid, 1)).length >= 10);
  await second.sendAll(run);
  await fenced;
  expect(first.isFenced).toBe(true);
  expect(second.rejections).toEqual([]);

  const stored = await allContents(nodes[0], mid);
  const count = stored.findIndex((content) => content.startsWith('second'));
  expect(stored.slice(0, count)).toEqual(endless.slice(0, count).map(({ content }) => content));
  expect(stored.slice(count)).toEqual(run.map(({ content }) => content));
  return count;
}

import type { Attempt } from '../checker/logs.js';
import type { Load } from './load.js';

/**
 * How long after this moment the last reader had caught up: it had an event that was acknowledged
 * later, and so all before it. Infinity when one never did.
 */
export function caughtUpAfter(load: Load, moment: number): number {
  let worst = 0;
  for (const { producer, readers } of load.streams) {
    const isLater = (at: number | undefined) => at !== undefined && at >= moment;
    const first = producer.acknowledgedAt.findIndex(isLater);
    for (const reader of readers) {
      const frame = reader.frames.find(({ data }) => numberIn(data) >= first);
      worst = Math.max(worst, first < 0 || frame === undefined ? Infinity : frame.at - moment);
    }
  }
  return worst;
}

/** How long after this moment the last reader of these streams was reset. Infinity when one was not. */
export function slowestReset(load: Load, mids: ReadonlySet<string>, moment: number): number {
  const readers = load.streams
    .filter(({ mid }) => mids.has(mid))
    .flatMap((stream) => stream.readers);
  const resetAt = readers.map(
    ({ frames }) =>
      frames.find(({ event, at }) => event === 'reset' && at >= moment)?.at ?? Infinity,
  );
  return Math.max(...resetAt) - moment;
}

/**
 * How long after this moment the last stream went on: each of its readers had an event that was
 * sent later and stored. Infinity when one never did.
 */
export function wentOnAfter(load: Load, moment: number): number {
  let worst = 0;
  for (const { producer, readers } of load.streams) {
    const isLater = ({ sentAt, stored }: Attempt) => sentAt >= moment && stored > 0;
    const first = producer.attempts.find(isLater);
    for (const { frames } of readers) {
      const frame = frames.find(({ data }) => numberIn(data) === first?.from);
      worst = Math.max(worst, frame === undefined ? Infinity : frame.at - moment);
    }
  }
  return worst;
}

/** The longest time from the end of a dead worker's lease until the last reader had the end. */
export function slowestLoss(load: Load): number {
  let worst = 0;
  for (const { producer, readers } of load.streams) {
    if (!producer.isDead) continue;
    const ends = readers.map(({ frames }) => frames.at(-1)?.at ?? Infinity);
    worst = Math.max(worst, ...ends.map((at) => at - (producer.leaseEndsAt ?? 0)));
  }
  return worst;
}

/** The longest time from an acknowledgement to the arrival at a reader, in milliseconds. */
export function slowestDelivery(load: Load): number {
  let worst = 0;
  for (const { producer, readers } of load.streams) {
    for (const { frames } of readers) {
      for (const { data, at } of frames) {
        const acknowledgedAt = producer.acknowledgedAt[numberIn(data)];
        if (acknowledgedAt !== undefined) worst = Math.max(worst, at - acknowledgedAt);
      }
    }
  }
  return worst;
}

/** The number of an event; -1 of anything else. */
function numberIn(data: string): number {
  const [, number] = /"content":"\S+ (\d+) /.exec(data) ?? [];
  return Number(number ?? -1);
}

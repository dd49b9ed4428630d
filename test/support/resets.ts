import { expect } from 'vitest';
import type { FeedClient } from './feed-client.js';

/** @param index of the frame that tells it */
export async function isReset(
  feed: FeedClient,
  index: number,
  { reason, id }: { reason: string; id: string },
): Promise<void> {
  await feed.frameCount(index + 1);
  const frame = feed.frames[index];
  expect(frame).toMatchObject({ event: 'reset', id });
  expect(JSON.parse(frame?.data as string)).toEqual({ reason, offset: 0 });
}

export function chunks(word: string, count: number) {
  return Array.from({ length: count }, (_, index) => ({
    type: 'answer',
    content: `${word} ${index}`,
  }));
}

export function contents(feed: FeedClient): unknown[] {
  return feed.data.map((data) => JSON.parse(data).content);
}

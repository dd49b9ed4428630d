import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../src/events/stored-event.js';
import { StreamLife } from '../../src/feed/stream-life.js';
import type { StreamInfo } from '../../src/store/stream-manager.js';
import { answer, complete, title } from '../support/events.js';

const lingerMs = 3000;
const now = 10_000;

function info(lastEvent: StoredEvent, endedForMs: number | null): StreamInfo {
  const times = { createdAt: 0, updatedAt: 0, expiresAt: null, ttlMs: 1000, producer: null };
  const status = endedForMs === null ? 'open' : 'complete';
  const endedOffset = endedForMs === null ? null : 5;
  return { nextOffset: 5, lastEvent, status, endedForMs, endedOffset, ...times };
}

const open = () => new StreamLife(info(answer('x'), null), lingerMs, now);

describe('the life of a followed stream', () => {
  it('is never over while the stream is open or absent', () => {
    for (const life of [open(), new StreamLife(null, lingerMs, now)]) {
      expect(life.hasEnded).toBe(false);
      expect(life.isOver(now + 1e12)).toBe(false);
    }
  });

  it('is over a linger after the terminal event is read', () => {
    const life = open();
    life.note(complete(), 5, now);
    expect(life.isOver(now + lingerMs - 1)).toBe(false);
    expect(life.isOver(now + lingerMs)).toBe(true);
  });

  it('counts the linger from the end, not from when it was learned', () => {
    const life = new StreamLife(info(complete(), 2000), lingerMs, now);
    expect(life.lingerUntil).toBe(now + 1000);
    expect(new StreamLife(info(complete(), 60_000), lingerMs, now).isOver(now)).toBe(true);
  });

  it('is over at once when a title follows the end', () => {
    const life = open();
    life.note(complete(), 5, now);
    life.note(title(), 6, now + 100);
    expect(life.isOver(now + 100)).toBe(true);
    expect(new StreamLife(info(title(), 10), lingerMs, now).isOver(now)).toBe(true);
  });

  it('is not shortened by a title from before the end', () => {
    const life = open();
    life.note(title(), 5, now);
    life.note(complete(), 6, now);
    expect(life.isOver(now + lingerMs - 1)).toBe(false);
    const learned = new StreamLife(info(complete(), 0), lingerMs, now);
    learned.note(title(), 1, now);
    expect(learned.isOver(now + lingerMs - 1)).toBe(false);
  });

  it('knows a late title when it reads an ended stream again from its start', () => {
    const life = new StreamLife(info(complete(), 0), lingerMs, now);
    life.note(complete(), 3, now);
    expect(life.lingerUntil).toBe(now + lingerMs);
    life.note(title(), 4, now);
    expect(life.isOver(now)).toBe(true);
  });
});

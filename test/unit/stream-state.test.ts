import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../src/events/event.js';
import { StreamSnapshot } from '../../src/feed/stream-state.js';
import type { StreamInfo } from '../../src/store/stream-manager.js';
import { answer, complete, title } from '../support/events.js';

const lingerMs = 3000;
const now = 10_000;

function info(lastEvent: StoredEvent, endedForMs: number | null): StreamInfo {
  const times = { createdAt: 0, updatedAt: 0, expiresAt: null, ttlMs: 1000, producer: null };
  const inputs = { nextOffset: 0, ackOffset: 0 };
  const status = endedForMs === null ? 'open' : 'complete';
  const endedOffset = endedForMs === null ? null : 5;
  return { nextOffset: 5, lastEvent, status, endedForMs, endedOffset, inputs, ...times };
}

const open = () => new StreamSnapshot(info(answer('x'), null), lingerMs, now);

describe('StreamSnapshot', () => {
  it('An open or absent stream is never over', () => {
    for (const snapshot of [open(), new StreamSnapshot(null, lingerMs, now)]) {
      expect(snapshot.hasEnded).toBe(false);
      expect(snapshot.isOver(now + 1e12)).toBe(false);
    }
  });

  it('A stream is over a linger after its terminal event was read', () => {
    const snapshot = open();
    snapshot.apply(complete(), 5, now);
    expect(snapshot.isOver(now + lingerMs - 1)).toBe(false);
    expect(snapshot.isOver(now + lingerMs)).toBe(true);
  });

  it('The linger counts from the end of the stream, not from the status that has it', () => {
    const snapshot = new StreamSnapshot(info(complete(), 2000), lingerMs, now);
    expect(snapshot.lingerUntil).toBe(now + 1000);
    expect(new StreamSnapshot(info(complete(), 60_000), lingerMs, now).isOver(now)).toBe(true);
  });

  it('A stream is over at once when a title follows its end', () => {
    const snapshot = open();
    snapshot.apply(complete(), 5, now);
    snapshot.apply(title(), 6, now + 100);
    expect(snapshot.isOver(now + 100)).toBe(true);
    expect(new StreamSnapshot(info(title(), 10), lingerMs, now).isOver(now)).toBe(true);
  });

  it('A title from before the end does not shorten the linger', () => {
    const snapshot = open();
    snapshot.apply(title(), 5, now);
    snapshot.apply(complete(), 6, now);
    expect(snapshot.isOver(now + lingerMs - 1)).toBe(false);
    const learned = new StreamSnapshot(info(complete(), 0), lingerMs, now);
    learned.apply(title(), 1, now);
    expect(learned.isOver(now + lingerMs - 1)).toBe(false);
  });

  it('A late title is recognized when a finished stream is read again from its start', () => {
    const snapshot = new StreamSnapshot(info(complete(), 0), lingerMs, now);
    snapshot.apply(complete(), 3, now);
    expect(snapshot.lingerUntil).toBe(now + lingerMs);
    snapshot.apply(title(), 4, now);
    expect(snapshot.isOver(now)).toBe(true);
  });
});

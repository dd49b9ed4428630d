import type { StoredEvent } from '../../src/events/event.js';
import { parseEvents } from '../../src/events/parse-events.js';
import type { StreamId } from '../../src/store/stream-manager.js';

/** Events as the service stores them, from what a worker would send. */
export function stored(...events: object[]): StoredEvent[] {
  return parseEvents(Buffer.from(JSON.stringify(events)), { maxEventBytes: 8 * 1024 ** 2 });
}

export function answer(content: string): StoredEvent {
  return stored({ type: 'answer', content })[0] as StoredEvent;
}

export function answers(count: number, from = 0): StoredEvent[] {
  return Array.from({ length: count }, (_, index) => answer(`chunk ${from + index}`));
}

/** An event whose stored text has exactly this many bytes. */
export function eventOfBytes(bytes: number, type = 'answer'): StoredEvent {
  const event = { id: 'x', type, content: '', done: false, timestamp: '2026-01-01T00:00:00Z' };
  const empty = JSON.stringify(event).length;
  return stored({ ...event, content: 'x'.repeat(bytes - empty) })[0] as StoredEvent;
}

export const complete = () => stored({ type: 'complete' })[0] as StoredEvent;
export const title = () => stored({ type: 'session_title', content: 'T' })[0] as StoredEvent;

let streamCount = 0;

/** A stream that no other test uses. */
export function newStream(): StreamId {
  streamCount += 1;
  return { sessionId: `s${process.pid}`, messageId: `m${streamCount}` };
}

export function texts(events: readonly StoredEvent[]): string[] {
  return events.map((event) => event.bytes.toString('utf8'));
}

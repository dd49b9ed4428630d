import { crc32 } from 'node:zlib';
import { isProducerLost, readNumbered } from '../load/numbered-event.js';
import type { Frame, ReaderLog, StreamLog } from './logs.js';
import type { Breach, Invariant } from './verdict.js';

export interface ReaderVerdict {
  readonly breaches: readonly Breach[];
  readonly repeatedEvents: number;
}

/** What a client saw: since its last reset all that is stored, before it at least no nonsense. */
export function checkReader(log: StreamLog, reader: ReaderLog, index: number): ReaderVerdict {
  const breaches: Breach[] = [];
  const note: Note = (invariant, text) =>
    breaches.push({ invariant, text: `reader ${index}: ${text}` });
  if (reader.closedForGood !== null) note('I6', `closed for good by ${reader.closedForGood}`);
  else if (!reader.isFinished) note('I6', 'was never told that it has all');
  const lives = livesOf(reader.frames);
  let repeatedEvents = 0;
  for (const frames of lives) {
    checkFrames(log.name, frames, note);
    repeatedEvents += countRepeats(frames);
  }
  if (repeatedEvents > 0) note('I2', `${repeatedEvents} events came twice`);
  checkAgainstStore(log.stored, lives.at(-1) as Frame[], note);
  return { breaches, repeatedEvents };
}

type Note = (invariant: Invariant, text: string) => void;

/** The frames of events, split where the client was told to begin anew. */
function livesOf(frames: readonly Frame[]): Frame[][] {
  const lives: Frame[][] = [[]];
  for (const frame of frames) {
    if (frame.event === 'reset') lives.push([]);
    else lives.at(-1)?.push(frame);
  }
  return lives;
}

function checkFrames(stream: string, frames: readonly Frame[], note: Note): void {
  for (const [index, { id, data }] of frames.entries()) {
    if (Number.parseInt(id, 10) !== index + 1) {
      note('I5', `frame ${index} has the id ${id}`);
      return; // so have all after it
    }
    if (isProducerLost(data)) continue;
    const event = readNumbered(data);
    if (event === null) note('I8', `frame ${id} is not as it was sent: ${data}`);
    else if (event.stream !== stream) note('I7', `frame ${id} belongs to ${event.stream}`);
  }
}

function countRepeats(frames: readonly Frame[]): number {
  return frames.length - new Set(frames.map(({ data }) => data)).size;
}

function checkAgainstStore(stored: readonly string[], frames: readonly Frame[], note: Note): void {
  const wrong = frames.findIndex(({ data }, index) => data !== onOneLine(stored[index] ?? ''));
  if (wrong >= 0) {
    const isInStore = stored.map(onOneLine).includes((frames[wrong] as Frame).data);
    const what = `frame ${frames[wrong]?.id} is not element ${wrong}`;
    note(isInStore ? 'I3' : 'I12', what);
  } else {
    const odd = frames.find(({ id }, index) => id !== idAfter(stored[index] as string, index));
    if (odd !== undefined) note('I5', `the id ${odd.id} does not fit what is stored`);
  }
  if (frames.length !== stored.length) {
    note('I6', `${frames.length} events of ${stored.length} came`);
  }
}

/** As frames carry an event: these characters end a line for some clients. */
export function onOneLine(text: string): string {
  return text.replace(
    /[\u2028\u2029\u0085]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The id of the frame with this element, from `docs/protocol.md`. */
export function idAfter(element: string, index: number): string {
  return `${index + 1}-${crc32(element).toString(16).padStart(8, '0')}`;
}

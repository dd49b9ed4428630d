import { append, ServiceError } from './service.js';

/** @typedef {import('./service.js').StreamId} StreamId */
/** @typedef {{ events: object[], pauseMs: number }} Step what is sent together, and the wait after it */

const chunkPauseMs = 70;

const thought = 'They want to know why a night train is slower. A timetable would show it.';

const firstAnswer = 'Let me compare the two trains in a timetable.';

const secondThought =
  'Of the three extra hours more than two are stops without passengers. That is the answer.';

const answer =
  'A night train is **slow on purpose**. It could arrive at four in the morning, but nobody wants ' +
  'to get off then, so the timetable lets it wait.\n\n' +
  'From Hamburg to Vienna:\n\n' +
  '- the day train takes **8 h 40 min**\n' +
  '- the night train takes **11 h 55 min**\n\n' +
  'Of the difference, 2 h 20 min are stops at stations where no passenger gets on or off: the ' +
  'train stands there while freight trains, which run mostly at night, go past.\n\n' +
  'The rest is speed. At night the engine is limited to 160 km/h so that people can sleep, some ' +
  'sections are under repair and have one track only, and cars of different trains are coupled ' +
  'together on the way, which takes half an hour each time.\n\n' +
  'So if you ever wake up and the train stands still in the dark: it is not late. It is *waiting ' +
  'for the morning*.';

const call = {
  tool_call_id: 'call-1',
  tool_name: 'look_up_timetable',
  arguments: { from: 'Hamburg', to: 'Vienna', trains: ['day', 'night'] },
};

const result = {
  tool_call_id: 'call-1',
  success: true,
  duration_ms: 880,
  output: {
    day: { duration_min: 520, stops: 11 },
    night: { duration_min: 715, stops: 9, waits_min: 140 },
  },
};

/** What an agent does in twelve seconds or so. @returns {Step[]} */
function steps() {
  return [
    one(
      { id: 'question', type: 'agent_query', content: 'Why are night trains so slow?', done: true },
      300,
    ),
    ...chunks('thinking', 'thought-1', thought),
    ...chunks('answer', 'answer-1', firstAnswer),
    one(
      { id: 'call', type: 'tool_call', content: 'look_up_timetable', done: true, data: call },
      900,
    ),
    one({ id: 'result', type: 'tool_result', content: '2 trains', done: true, data: result }, 400),
    ...chunks('thinking', 'thought-2', secondThought),
    ...chunks('answer', 'answer-2', answer),
    one({ id: 'end', type: 'complete', done: true }, 300),
    one({ id: 'title', type: 'session_title', content: 'Why night trains wait', done: true }, 0),
  ];
}

/**
 * @param {object} event
 * @param {number} pauseMs
 */
function one(event, pauseMs) {
  return { events: [event], pauseMs };
}

/**
 * The text in pieces of a word or two, as a model gives it.
 *
 * @param {string} type
 * @param {string} id
 * @param {string} text
 */
function chunks(type, id, text) {
  const pieces = text.match(/\s*\S+(?:\s\S{1,3}(?=\s))?/g) ?? [];
  return pieces.map((content, index) =>
    one({ id, type, content, done: index === pieces.length - 1 }, chunkPauseMs),
  );
}

/** How often an append is tried again when the service cannot be reached. */
const maxAttempts = 20;

/**
 * Works as a worker does: posts its events one after another, each numbered so that it may be sent
 * again, and ends when it is told to.
 *
 * @param {StreamId} stream
 * @throws {ServiceError}
 */
export async function runSample(stream) {
  let seq = 0;
  try {
    for (const { events, pauseMs } of steps()) {
      await appendSafely(stream, events, seq);
      seq += events.length;
      await sleep(pauseMs);
    }
  } catch (error) {
    const isToldToEnd = error instanceof ServiceError && error.code === 'stream_ended';
    if (!isToldToEnd) throw error;
  }
}

/**
 * @param {StreamId} stream
 * @param {readonly object[]} events
 * @param {number} seq
 */
async function appendSafely(stream, events, seq) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await append(stream, events, seq);
    } catch (error) {
      const isFinal = error instanceof ServiceError && error.status < 500;
      if (isFinal || attempt === maxAttempts) throw error;
      await sleep(1000);
    }
  }
}

/** @param {number} ms */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

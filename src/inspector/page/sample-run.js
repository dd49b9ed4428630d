import { SampleWorker } from './sample-worker.js';
import { ServiceError } from './service.js';

/** @typedef {import('./sample-worker.js').Step} Step */

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

const booking = {
  tool_call_id: 'call-2',
  tool_name: 'reserve_berth',
  arguments: { train: 'night', from: 'Hamburg', to: 'Vienna' },
};

const approvalId = 'approval-1';

const reserved = 'You have berth 42 in car 7. Sleep well: nobody hurries.';

const declined = 'Then I reserve nothing. The day train has seats without a reservation.';

/** What an agent does in twelve seconds or so, until it needs an approval. @returns {Step[]} */
function untilApproval() {
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
    one(
      { id: 'booking', type: 'tool_call', content: 'reserve_berth', done: true, data: booking },
      0,
    ),
    one(
      {
        id: approvalId,
        type: 'tool_approval_required',
        content: 'Reserve a berth in the night train?',
        done: true,
        data: { approval_id: approvalId, tool_call_id: 'call-2' },
      },
      0,
    ),
  ];
}

/** @param {boolean} isApproved @returns {Step[]} */
function afterApproval(isApproved) {
  const output = { car: 7, berth: 42 };
  const result = { tool_call_id: 'call-2', success: true, duration_ms: 640, output };
  const reservation = { id: 'berth', type: 'tool_result', content: 'Berth 42', done: true };
  return [
    ...(isApproved ? [one({ ...reservation, data: result }, 300)] : []),
    ...chunks('answer', 'answer-3', isApproved ? reserved : declined),
    one({ id: 'end', type: 'complete', done: true }, 300),
    one({ id: 'title', type: 'session_title', content: 'Why night trains wait', done: true }, 0),
  ];
}

/**
 * @param {object} event
 * @param {number} pauseMs
 */
function one(event, pauseMs) {
  return { event, pauseMs };
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

/**
 * Works as an agent does, whose one tool waits for the approval of a reader, and ends when it is told to.
 *
 * @param {import('./service.js').StreamId} stream
 * @throws {ServiceError}
 */
export async function runSample(stream) {
  const worker = new SampleWorker(stream);
  try {
    await worker.play(untilApproval());
    const isApproved = await worker.awaitApproval(approvalId);
    if (isApproved !== null) await worker.play(afterApproval(isApproved));
  } catch (error) {
    const isToldToEnd = error instanceof ServiceError && error.code === 'stream_ended';
    if (!isToldToEnd) throw error;
  }
}

import { find } from './elements.js';

const badge = find('badge', HTMLSpanElement);
const wire = find('wire', HTMLDivElement);
const text = find('state', HTMLSpanElement);
const count = find('count', HTMLSpanElement);

/**
 * The line between the service and this reader. What it says is read aloud when it changes; the
 * number of events, which changes all the time, is not.
 *
 * @param {import('./feed.js').Feed} feed
 * @param {string | null} ending
 */
export function drawState({ state, wasOpen, silenceMs }, ending) {
  const isOver = ending !== null && state !== 'cut';
  wire.dataset.state = isOver ? 'ended' : state;
  if (isOver) say(`The stream is ${ending}`);
  else if (state === 'cut') say('Cut off');
  else if (state === 'open') say('Connected');
  else if (state === 'connecting') {
    say(wasOpen ? 'Connection lost: the browser reconnects automatically' : 'Connecting');
  } else if (state === 'silent') {
    say(`Nothing came for ${seconds(silenceMs)}: opening another connection`);
  }
}

export function drawNoEvents() {
  say(
    'No events yet: this stream does not exist (or has expired). It begins with its first event.',
  );
}

/**
 * @param {string} trouble
 * @param {number} pauseMs until the next try
 */
export function drawWait(trouble, pauseMs) {
  say(`${trouble}: trying again in ${seconds(pauseMs)}`);
}

/**
 * @param {string} sentence
 * @param {boolean} isEnd whether the feed ended as it should
 */
export function drawOutcome(sentence, isEnd) {
  wire.dataset.state = isEnd ? 'ended' : 'closed';
  say(sentence);
  drawCount('');
}

/** @param {string | null} status of the stream */
export function drawBadge(status) {
  badge.hidden = status === null;
  badge.dataset.status = status ?? '';
  badge.textContent = status;
}

/** @param {string} words */
export function drawCount(words) {
  count.textContent = words;
}

/** @param {number} ms */
function seconds(ms) {
  return `${Math.ceil(ms / 1000)} s`;
}

/** @param {string} sentence */
function say(sentence) {
  if (text.textContent !== sentence) text.textContent = sentence;
}

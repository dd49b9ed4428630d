/** @typedef {import('./feed.js').Frame} Frame */

/** How long one round may take, so that the page answers however much comes at once. */
const roundMs = 8;

/**
 * Shows frames: at once as they come or, in a replay, as far apart as their timestamps are. Like a
 * subscriber of the service it is a cursor: a replay sets it back, and it catches up with the rest.
 */
export class Playback {
  /** @type {Frame[]} */
  frames = [];
  #shown = 0;
  /** When each frame comes in a replay, from the first one on, in milliseconds. @type {number[]} */
  #times = [];
  /** @type {{ startedAt: number, speed: number } | null} */
  #replay = null;
  #isScheduled = false;

  /**
   * @param {(frame: Frame, delayMs: number) => void} onShow
   * @param {() => void} onRound after each round, and at the end of a replay
   */
  constructor(onShow, onRound) {
    this.onShow = onShow;
    this.onRound = onRound;
  }

  get isReplaying() {
    return this.#replay !== null;
  }

  get shown() {
    return this.#shown;
  }

  clear() {
    this.frames = [];
    this.#times = [];
    this.#shown = 0;
    this.#replay = null;
  }

  /** @param {Frame} frame */
  push(frame) {
    const last = this.frames.at(-1);
    const delay = last === undefined ? 0 : Math.max(0, timeOf(frame) - timeOf(last));
    this.#times.push((this.#times.at(-1) ?? 0) + (Number.isNaN(delay) ? 0 : delay));
    this.frames.push(frame);
    this.#schedule();
  }

  /** @param {number} speed how many times as fast as recorded; 0 shows all at once */
  replay(speed) {
    this.#shown = 0;
    this.#replay = speed === 0 ? null : { startedAt: performance.now(), speed };
    this.#schedule();
  }

  /** Shows the rest, a round at a time. */
  finish() {
    this.#replay = null;
    this.#schedule();
  }

  /** Shows the rest now. */
  flush() {
    this.#replay = null;
    while (this.#shown < this.frames.length) this.#showNext();
    this.onRound();
  }

  #schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => this.#round());
  }

  #round() {
    this.#isScheduled = false;
    const until = performance.now() + roundMs;
    while (this.#isNextDue() && performance.now() < until) this.#showNext();
    if (this.#shown === this.frames.length) this.#replay = null;
    else this.#schedule();
    this.onRound();
  }

  #showNext() {
    const index = this.#shown;
    this.#shown += 1;
    const frame = /** @type {Frame} */ (this.frames[index]);
    this.onShow(frame, this.#timeAt(index) - this.#timeAt(index - 1));
  }

  #isNextDue() {
    if (this.#shown === this.frames.length) return false;
    if (this.#replay === null) return true;
    const { startedAt, speed } = this.#replay;
    return this.#timeAt(this.#shown) <= (performance.now() - startedAt) * speed;
  }

  /** @param {number} index */
  #timeAt(index) {
    return this.#times[index] ?? 0;
  }
}

/**
 * When the event was made, in milliseconds; frames that are no events came when they came.
 *
 * @param {Frame} frame
 */
function timeOf({ kind, value, arrivedAt }) {
  return kind === 'event' ? Date.parse(value.timestamp) : arrivedAt;
}

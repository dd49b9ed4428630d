import { feedUrl } from './service.js';

/** @typedef {import('./service.js').StreamId} StreamId */
/** @typedef {'connecting' | 'silent' | 'open' | 'waiting' | 'cut' | 'closed'} FeedState */
/**
 * One frame as it came.
 *
 * @typedef {object} Frame
 * @property {'event' | 'reset' | 'malformed'} kind
 * @property {string} id
 * @property {string} data the text of it
 * @property {Record<string, any>} value what the text says
 * @property {number} arrivedAt milliseconds
 */

/** How often a service sends a heartbeat, until the first one says it. */
const usualHeartbeatMs = 15_000;

/** A feed asks the browser to wait for 5 seconds at most before it reconnects. */
const longestRetryMs = 5000;

const firstPauseMs = 1000;
const longestPauseMs = 30_000;

/**
 * The events or the inputs of a stream over the browser's own EventSource, which reconnects automatically
 * after most of what breaks its connection. It does not notice one that is dead without a word, and gives
 * up for good after an answer that is no feed: from both, this one comes back with the last id. `cut` and
 * `resume` do by hand what a tunnel does to a phone.
 */
export class Feed {
  /** @type {EventSource | null} */
  #source = null;
  /** The id of the last frame: what to go on from. */
  lastId = '0';
  /** @type {FeedState} */
  state = 'connecting';
  /** Whether this connection has been open: then the browser reconnects automatically. */
  wasOpen = false;
  /** How long nothing may come until the connection counts as dead. */
  silenceMs = 2 * usualHeartbeatMs;
  #pauseMs = firstPauseMs;
  /** For one thing at a time: the next frame or heartbeat, or the end of a pause. */
  #timer = 0;

  /**
   * @param {StreamId} stream
   * @param {import('./service.js').FeedPath} path
   * @param {(frame: Frame) => void} onFrame
   * @param {() => void} onState
   */
  constructor(stream, path, onFrame, onState) {
    this.stream = stream;
    this.path = path;
    this.onFrame = onFrame;
    this.onState = onState;
  }

  resume() {
    this.#open('connecting');
  }

  /**
   * Resumes after a pause, which is longer each time, and not the same for all who were cut off together.
   *
   * @returns {number} the pause in milliseconds
   */
  resumeLater() {
    const pauseMs = (this.#pauseMs * (1 + Math.random())) / 2;
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
    this.#enter('waiting');
    this.#waitFor(pauseMs, () => this.resume());
    return pauseMs;
  }

  cut() {
    this.#drop();
    this.#enter('cut');
  }

  /** Ends it for good. */
  close() {
    this.#drop();
    this.onFrame = () => {};
    this.onState = () => {};
  }

  /** @param {FeedState} state */
  #open(state) {
    this.#drop();
    const source = new EventSource(feedUrl(this.stream, this.lastId, this.path));
    this.#source = source;
    this.wasOpen = false;
    this.#enter(state);
    this.#hear();
    source.onopen = () => this.#onOpen();
    source.onmessage = (message) => this.#take('event', message);
    source.addEventListener('reset', (message) => this.#take('reset', message));
    source.addEventListener('malformed', (message) => this.#take('malformed', message));
    source.addEventListener('heartbeat', ({ data }) => {
      this.silenceMs = 2 * JSON.parse(data).intervalMs;
      this.#hear();
    });
    source.onerror = () => this.#onError(source.readyState === EventSource.CLOSED);
  }

  #onOpen() {
    this.#pauseMs = firstPauseMs;
    this.#hear();
    this.#enter('open');
  }

  /** @param {boolean} isClosed for good */
  #onError(isClosed) {
    if (isClosed) clearTimeout(this.#timer);
    else this.#hear(longestRetryMs);
    this.#enter(isClosed ? 'closed' : 'connecting');
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  #hear(retryMs = 0) {
    this.#waitFor(retryMs + this.silenceMs, () => this.#open('silent'));
  }

  /**
   * @param {number} ms
   * @param {() => void} action
   */
  #waitFor(ms, action) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, ms);
  }

  /** @param {FeedState} state */
  #enter(state) {
    this.state = state;
    this.wasOpen ||= state === 'open';
    this.onState();
  }

  /**
   * @param {Frame['kind']} kind
   * @param {MessageEvent<string>} message
   */
  #take(kind, { data, lastEventId }) {
    this.#hear();
    this.lastId = lastEventId;
    const frame = { kind, id: lastEventId, data, value: JSON.parse(data), arrivedAt: Date.now() };
    this.onFrame(frame);
  }
}

/**
 * How the frame ends its stream, or null.
 *
 * @param {Frame} frame
 */
export function endingOf({ kind, value }) {
  if (kind !== 'event') return null;
  if (value.type === 'complete') return 'complete';
  if (value.type === 'stop') return 'stopped';
  return value.type === 'error' && value.done === true ? 'failed' : null;
}

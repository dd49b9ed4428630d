import { feedUrl } from './service.js';

/** @typedef {import('./service.js').StreamId} StreamId */
/** @typedef {'connecting' | 'open' | 'cut' | 'closed'} FeedState */
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

/**
 * One stream over the browser's own EventSource, which comes back by itself when its connection
 * breaks. `cut` and `resume` do by hand what a tunnel does to a phone.
 */
export class Feed {
  /** @type {EventSource | null} */
  #source = null;
  /** The id of the last frame: what to go on from. */
  lastId = '0';
  /** @type {FeedState} */
  state = 'connecting';
  /** Whether this connection has been open: then the browser comes back by itself. */
  wasOpen = false;

  /**
   * @param {StreamId} stream
   * @param {(frame: Frame) => void} onFrame
   * @param {() => void} onState
   */
  constructor(stream, onFrame, onState) {
    this.stream = stream;
    this.onFrame = onFrame;
    this.onState = onState;
  }

  resume() {
    const source = new EventSource(feedUrl(this.stream, this.lastId));
    this.#source = source;
    this.wasOpen = false;
    this.#enter('connecting');
    source.onopen = () => this.#enter('open');
    source.onmessage = (message) => this.#take('event', message);
    source.addEventListener('reset', (message) => this.#take('reset', message));
    source.addEventListener('malformed', (message) => this.#take('malformed', message));
    source.onerror = () =>
      this.#enter(source.readyState === EventSource.CLOSED ? 'closed' : 'connecting');
  }

  cut() {
    this.#source?.close();
    this.#enter('cut');
  }

  /** Ends it for good. */
  close() {
    this.#source?.close();
    this.onFrame = () => {};
    this.onState = () => {};
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

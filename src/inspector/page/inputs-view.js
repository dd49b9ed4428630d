import { Approvals } from './approvals.js';
import { find } from './elements.js';
import { Feed } from './feed.js';
import { InputsList } from './inputs-list.js';
import { send } from './send-input.js';
import { getStatus, isFinal, tryFeed } from './service.js';

/** @typedef {import('./service.js').StreamId} StreamId */
/** @typedef {import('./feed.js').Frame} Frame */

const form = find('send', HTMLFormElement);
const field = find('message', HTMLInputElement);
const button = find('send-button', HTMLButtonElement);

/** How often the acknowledged offset is asked for while an input waits to be read. */
const periodMs = 1000;

const path = '/inputs/stream';

/** The inputs of the stream that is open: a feed of their own, and what a reader sends. */
export class InputsView {
  /** @type {Feed | null} */
  #feed = null;
  #list = new InputsList();
  /** Null until the status says it. @type {number | null} */
  #ackOffset = null;
  #hasEnded = false;
  /** The status changes no more, or is denied. */
  #isStatusFinal = false;
  #isAsking = false;
  #isSending = false;
  #isConnected = false;
  approvals = new Approvals((replyTo, approved) =>
    this.#send({ type: 'approval', data: { replyTo, approved } }),
  );

  /** @param {(error: unknown) => void} onError told why an input was not sent; null when one was */
  constructor(onError) {
    this.onError = onError;
    setInterval(() => void this.#askStatus(), periodMs);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#sendMessage();
    });
  }

  /** @param {StreamId} stream */
  open(stream) {
    this.#feed?.close();
    this.#clear();
    field.value = '';
    const feed = new Feed(
      stream,
      path,
      (frame) => this.#take(frame),
      () => void this.#onState(feed),
    );
    this.#feed = feed;
    feed.resume();
  }

  cut() {
    this.#feed?.cut();
  }

  resume() {
    this.#isStatusFinal = this.#hasEnded;
    this.#feed?.resume();
  }

  /**
   * @param {boolean} isOpen whether the stream takes inputs
   * @param {boolean} isConnected
   */
  setOpen(isOpen, isConnected) {
    this.#isConnected = isConnected;
    form.hidden = !isOpen;
    this.approvals.setOpen(isOpen, isConnected);
    this.#drawForm();
  }

  #drawForm() {
    field.disabled = !this.#isConnected;
    button.disabled = !this.#isConnected || this.#isSending;
  }

  /** @param {Frame} frame */
  #take(frame) {
    if (frame.kind === 'reset') return this.#clear();
    this.#list.add(frame);
    this.approvals.take(frame.value);
    this.#list.draw(this.#ackOffset, this.#hasEnded);
    void this.#askStatus();
  }

  #clear() {
    this.#list.clear();
    this.approvals.clearDecisions();
    this.#ackOffset = null;
    this.#hasEnded = false;
    this.#isStatusFinal = false;
  }

  /**
   * Comes back to a feed that the browser has given up, unless it is over or denied: then the feed of the
   * events says why.
   *
   * @param {Feed} feed
   */
  async #onState(feed) {
    if (feed.state !== 'closed') return;
    const hasMore = await tryFeed(feed.stream, feed.lastId, path).catch((error) => !isFinal(error));
    if (hasMore && feed === this.#feed && feed.state === 'closed') feed.resumeLater();
  }

  /** Asks how far the worker has read, as long as an input is not known to be read. */
  async #askStatus() {
    const feed = this.#feed;
    const isDue = !this.#isStatusFinal && this.#list.hasAfter(this.#ackOffset ?? 0);
    if (feed === null || !isDue || this.#isAsking || document.hidden) return;
    this.#isAsking = true;
    try {
      const { inputs, streamStatus } = await getStatus(feed.stream);
      if (feed !== this.#feed) return;
      this.#ackOffset = inputs.ackOffset;
      this.#hasEnded = streamStatus !== 'open';
      this.#isStatusFinal = this.#hasEnded;
    } catch (error) {
      if (feed === this.#feed) this.#isStatusFinal = isFinal(error);
    } finally {
      this.#isAsking = false;
      this.#list.draw(this.#ackOffset, this.#hasEnded);
    }
  }

  async #sendMessage() {
    const content = field.value;
    if (content.trim() === '' || this.#isSending) return;
    this.#isSending = true;
    this.#drawForm();
    const isSent = await this.#send({ type: 'message', content });
    this.#isSending = false;
    this.#drawForm();
    if (isSent && field.value === content) field.value = '';
  }

  /**
   * @param {import('./send-input.js').NewInput} input
   * @returns {Promise<boolean>} whether it was sent
   */
  async #send(input) {
    const stream = this.#feed?.stream;
    if (stream === undefined) return false;
    try {
      await send(stream, input);
      this.onError(null);
      return true;
    } catch (error) {
      this.onError(error);
      return false;
    }
  }
}

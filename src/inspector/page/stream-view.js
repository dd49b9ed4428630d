import { compare } from './comparison.js';
import { ConversationView } from './conversation-view.js';
import { readerToken } from './credentials.js';
import { find } from './elements.js';
import { endingOf, Feed } from './feed.js';
import { FramesView } from './frames-view.js';
import { Playback } from './playback.js';
import { getStatus, isFinal, Refusal, tryFeed } from './service.js';
import { drawBadge, drawCount, drawOutcome, drawState, drawWait } from './wire.js';

/** @typedef {import('./service.js').StreamId} StreamId */
/** @typedef {import('./feed.js').Frame} Frame */

const title = find('title', HTMLHeadingElement);
const place = find('place', HTMLParagraphElement);
const intro = find('intro', HTMLDivElement);
const conversationPlace = find('conversation', HTMLElement);
const framesPlace = find('frames', HTMLElement);

/** How often somebody who is cut off is told how much came meanwhile. */
const missedPeriodMs = 500;

/** A page that is scrolled this near to its end follows what comes, in CSS pixels. */
const nearEnd = 120;

/** The stream that is open: its feed, and what is shown of it. */
export class StreamView {
  /** @type {Feed | null} */
  #feed = null;
  /** @type {string | null} */
  #ending = null;
  /** Whether the page stays at its end while events come. */
  #isFollowing = true;
  #isCounting = false;
  #conversation = new ConversationView(conversationPlace, (text) => {
    title.textContent = text;
  });
  #frames = new FramesView(framesPlace);
  #playback = new Playback(
    (frame, delayMs) => this.#show(frame, delayMs),
    () => this.#onRound(),
  );

  /** @param {() => void} onChange told whenever another control may be used */
  constructor(onChange) {
    this.onChange = onChange;
    setInterval(() => void this.#countMissed(), missedPeriodMs);
    addEventListener('scroll', () => {
      const { scrollHeight, scrollTop, clientHeight } = document.documentElement;
      this.#isFollowing = scrollHeight - scrollTop - clientHeight < nearEnd;
    });
  }

  /** @returns {StreamId | null} */
  get stream() {
    return this.#feed?.stream ?? null;
  }

  get state() {
    return this.#feed?.state ?? null;
  }

  /** Whether the feed was cut, or given up before its stream has ended. */
  get canResume() {
    return this.state === 'cut' || (this.state === 'closed' && !this.hasEnded);
  }

  get hasEnded() {
    return this.#ending !== null;
  }

  get isReplaying() {
    return this.#playback.isReplaying;
  }

  get hasFrames() {
    return this.#playback.frames.length > 0;
  }

  /** @param {StreamId} stream */
  open(stream) {
    this.#feed?.close();
    this.#forget();
    intro.hidden = true;
    title.textContent = stream.mid;
    place.textContent = `${stream.sid} / ${stream.mid}`;
    const feed = new Feed(
      stream,
      (frame) => this.#take(frame),
      () => this.#drawState(),
    );
    this.#feed = feed;
    feed.resume();
  }

  cutOrResume() {
    const feed = this.#feed;
    if (feed === null) return;
    if (this.canResume) {
      this.#note(`Resumed after ${feed.lastId}`);
      feed.resume();
    } else {
      feed.cut();
      this.#playback.flush();
      this.#note(`Cut off after ${feed.lastId}`);
    }
  }

  /** @param {number} speed */
  replayOrFinish(speed) {
    if (this.#playback.isReplaying) this.#playback.finish();
    else {
      this.#clearViews();
      this.#playback.replay(speed);
    }
    this.onChange();
  }

  /** @param {string} name */
  choose(name) {
    conversationPlace.hidden = name !== 'conversation';
    framesPlace.hidden = name !== 'frames';
  }

  /** @param {Frame} frame */
  #take(frame) {
    if (frame.kind === 'reset') this.#forget();
    this.#playback.push(frame);
    const ending = endingOf(frame);
    if (ending === null) return;
    this.#ending = ending;
    this.#drawState();
  }

  /** @param {Frame} frame @param {number} delayMs */
  #show(frame, delayMs) {
    this.#frames.add(frame, delayMs);
    if (frame.kind === 'reset') {
      this.#conversation.note(`The stream is another one now (${frame.value.reason})`);
    } else this.#conversation.add(frame);
  }

  #onRound() {
    const { shown, frames } = this.#playback;
    const all = frames.length;
    drawCount(shown < all ? `${shown} of ${all} events` : eventCount(all));
    this.#drawBadge();
    if (this.#isFollowing) window.scrollTo(0, document.documentElement.scrollHeight);
    this.onChange();
  }

  #drawState() {
    const feed = this.#feed;
    if (feed === null) return;
    drawState(feed, this.#ending);
    this.#drawBadge();
    if (feed.state === 'closed') void this.#onClosed(feed);
    this.onChange();
  }

  /** A stream that nobody has written to yet has no status. */
  #drawBadge() {
    drawBadge(this.#ending ?? (this.hasFrames ? 'open' : null));
  }

  /**
   * The browser has given the feed up: since the stream has ended and all of it came, or after an
   * answer that is no feed, such as the 502 of a proxy.
   *
   * @param {Feed} feed
   */
  async #onClosed(feed) {
    const { text, isOver } = await this.#outcome(feed);
    if (feed !== this.#feed || feed.state !== 'closed') return;
    if (isOver) drawOutcome(text, this.hasEnded);
    else drawWait(text, feed.resumeLater());
  }

  /**
   * What the feed came to, and whether there is nothing more to come.
   *
   * @param {Feed} feed
   */
  async #outcome({ stream, lastId }) {
    try {
      if (this.hasEnded) return over(await compare(stream, this.#playback.frames));
      if (await tryFeed(stream, lastId)) return { text: 'The feed was lost', isOver: false };
      return over('There is no such stream any more. Resume to ask again.');
    } catch (error) {
      if (isFinal(error)) return over(explain(/** @type {Refusal} */ (error)));
      return { text: troubleOf(error), isOver: false };
    }
  }

  async #countMissed() {
    const feed = this.#feed;
    if (feed?.state !== 'cut' || this.#isCounting) return;
    this.#isCounting = true;
    const status = await getStatus(feed.stream).catch(() => null);
    this.#isCounting = false;
    const missed = (status?.nextOffset ?? 0) - Number.parseInt(feed.lastId, 10);
    const had = eventCount(this.#playback.frames.length);
    if (feed.state === 'cut' && missed > 0) drawCount(`${had}, ${missed} more wait`);
  }

  /** @param {string} text */
  #note(text) {
    this.#conversation.seam(text);
    this.#frames.note(text);
  }

  #forget() {
    this.#playback.clear();
    this.#ending = null;
    this.#clearViews();
    drawCount('');
  }

  #clearViews() {
    this.#conversation.clear();
    this.#frames.clear();
    this.#isFollowing = true;
  }
}

/** @param {string} text */
function over(text) {
  return { text, isOver: true };
}

/** @param {unknown} error which another try may not meet again */
function troubleOf(error) {
  if (!(error instanceof Refusal)) return 'The service cannot be reached';
  return error.code === 'unknown' ? `A proxy answers ${error.status}` : error.message;
}

/** @param {Refusal} refusal */
function explain({ status, message }) {
  if (status !== 401) return message;
  return readerToken() === ''
    ? 'The feed needs a reader token. A key will not do: an EventSource cannot send it.'
    : `${message}. Enter another token, and resume.`;
}

/** @param {number} count */
function eventCount(count) {
  return count === 1 ? '1 event' : `${count} events`;
}

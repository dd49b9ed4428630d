import { compare } from './comparison.js';
import { ConversationView } from './conversation-view.js';
import { askFor, readerToken } from './credentials.js';
import { eventCount, find } from './elements.js';
import { endingOf, Feed } from './feed.js';
import { FramesView } from './frames-view.js';
import { InputsView } from './inputs-view.js';
import { Playback } from './playback.js';
import { getStatus, invalidId, isFinal, ServiceError, tryFeed } from './service.js';
import { drawBadge, drawCount, drawNoEvents, drawOutcome, drawState, drawWait } from './wire.js';

/** @typedef {import('./service.js').StreamId} StreamId */
/** @typedef {import('./feed.js').Frame} Frame */

const title = find('title', HTMLHeadingElement);
const place = find('place', HTMLParagraphElement);
const intro = find('intro', HTMLParagraphElement);
const scroller = find('events', HTMLDivElement);
const conversationPlace = find('conversation', HTMLElement);
const framesPlace = find('frames', HTMLElement);

/** How often somebody who reads nothing is told why: how much came meanwhile, or that nothing is there. */
const idlePeriodMs = 500;

/** How long a feed may be open without an event until the page says so. */
const firstEventMs = 1000;

/** A view that is scrolled this near to its end follows what comes, in CSS pixels. */
const nearEnd = 120;

/** The stream that is open: its feed, and what is shown of it. */
export class StreamView {
  /** @type {Feed | null} */
  #feed = null;
  /** @type {string | null} */
  #ending = null;
  /** Whether the view stays at its end while events come. */
  #isFollowing = true;
  #openedAt = 0;
  #isCounting = false;
  /** @type {InputsView} */
  #inputs;
  /** @type {ConversationView} */
  #conversation;
  #frames = new FramesView(framesPlace);
  #playback = new Playback(
    (frame, delayMs) => this.#show(frame, delayMs),
    () => this.#onRound(),
  );

  /**
   * @param {() => void} onChange told whenever another control may be used
   * @param {(error: unknown) => void} onError told why an input was not sent; null when one was
   */
  constructor(onChange, onError) {
    this.onChange = () => {
      this.#inputs.setOpen(this.hasFrames && !this.hasEnded, this.state !== 'cut');
      onChange();
    };
    this.#inputs = new InputsView(onError);
    this.#conversation = new ConversationView(conversationPlace, this.#inputs.approvals, (text) => {
      title.textContent = text;
    });
    setInterval(() => this.#explainSilence(), idlePeriodMs);
    new ResizeObserver(() => this.#follow()).observe(scroller);
    scroller.addEventListener('scroll', () => {
      const { scrollHeight, scrollTop, clientHeight } = scroller;
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

  /** How many events of the stream have come. */
  get eventCount() {
    const { frames } = this.#playback;
    return frames.length - (frames[0]?.kind === 'reset' ? 1 : 0);
  }

  /** @param {StreamId} stream */
  open(stream) {
    this.#feed?.close();
    this.#reset();
    intro.hidden = true;
    title.textContent = stream.mid;
    place.textContent = `${stream.sid} / ${stream.mid}`;
    document.body.classList.add('started');
    this.#openedAt = performance.now();
    const feed = new Feed(
      stream,
      '/stream',
      (frame) => this.#take(frame),
      () => this.#drawState(),
    );
    this.#feed = feed;
    feed.resume();
    this.#inputs.open(stream);
  }

  cutOrResume() {
    const feed = this.#feed;
    if (feed === null) return;
    if (this.canResume) {
      this.#note(`Resumed after ${feed.lastId}`);
      feed.resume();
      this.#inputs.resume();
    } else {
      feed.cut();
      this.#inputs.cut();
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
    this.#follow();
  }

  /** @param {Frame} frame */
  #take(frame) {
    if (frame.kind === 'reset') this.#reset();
    const isFirst = !this.hasFrames;
    this.#playback.push(frame);
    const ending = endingOf(frame);
    this.#ending = ending ?? this.#ending;
    if (isFirst || ending !== null) this.#drawState();
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
    const isBehind = shown < frames.length;
    drawCount(isBehind ? `${shown} of ${frames.length} events` : eventCount(this.eventCount));
    this.#drawBadge();
    this.#follow();
    this.onChange();
  }

  #follow() {
    if (this.#isFollowing) scroller.scrollTo(0, scroller.scrollHeight);
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
      if (await tryFeed(stream, lastId, '/stream'))
        return { text: 'The feed was lost', isOver: false };
      return over('There is no such stream any more. Resume to ask again.');
    } catch (error) {
      if (isFinal(error)) return over(explain(/** @type {ServiceError} */ (error)));
      return { text: troubleOf(error), isOver: false };
    }
  }

  #explainSilence() {
    if (this.state === 'cut') void this.#countMissed();
    const isOld = performance.now() - this.#openedAt > firstEventMs;
    if (this.state === 'open' && !this.hasFrames && isOld) drawNoEvents();
  }

  async #countMissed() {
    const feed = this.#feed;
    if (feed?.state !== 'cut' || this.#isCounting) return;
    this.#isCounting = true;
    const status = await getStatus(feed.stream).catch(() => null);
    this.#isCounting = false;
    const missed = (status?.nextOffset ?? 0) - Number.parseInt(feed.lastId, 10);
    const had = eventCount(this.eventCount);
    if (feed.state === 'cut' && missed > 0) drawCount(`${had}, ${missed} more wait`);
  }

  /** @param {string} text */
  #note(text) {
    this.#conversation.seam(text);
    this.#frames.note(text);
  }

  #reset() {
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
  if (!(error instanceof ServiceError)) return 'The service cannot be reached';
  return error.code === 'unknown' ? `A proxy answers ${error.status}` : error.message;
}

/** @param {ServiceError} error */
function explain({ status, message }) {
  if (status === 400) return invalidId;
  if (status !== 401) return message;
  askFor('token');
  return readerToken() === ''
    ? 'The feed needs a reader token. A key will not do: an EventSource cannot send it.'
    : `${message}. Enter another token, and resume.`;
}

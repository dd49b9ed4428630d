import { element, fold, showValue } from './elements.js';
import { ToolCards } from './tool-cards.js';

/** @typedef {import('./feed.js').Frame} Frame */
/** @typedef {Record<string, any>} StreamEvent */
/** @typedef {{ card: HTMLElement, text: Text, heading: HTMLElement | null, startedAt: number }} Segment */

const endings = new Map([
  ['complete', 'Complete'],
  ['stop', 'Stopped'],
]);

/** The stream as people read it: thoughts folded, tools with their results, the answer growing. */
export class ConversationView {
  /** Chunks that share a type and an id are one segment. @type {Map<string, Segment>} */
  #segments = new Map();
  /** @type {ToolCards} */
  #tools;

  /**
   * @param {HTMLElement} place
   * @param {(title: string) => void} onTitle
   */
  constructor(place, onTitle) {
    this.place = place;
    this.onTitle = onTitle;
    this.#tools = new ToolCards(place);
  }

  /** @param {Frame} frame */
  add({ kind, value }) {
    if (kind === 'event') this.#addEvent(value);
    else if (kind === 'malformed') {
      this.note(`An element of ${value.bytes} bytes that is no event`);
    }
  }

  /** @param {string} text */
  note(text) {
    this.place.append(element('p', 'mark', text));
  }

  /**
   * Marks the place where something happened to the connection: in the midst of what is growing.
   *
   * @param {string} text
   */
  seam(text) {
    const growing = [...this.#segments.values()].find(({ card }) =>
      card.matches('.answer.growing'),
    );
    if (growing === undefined) return this.note(text);
    const rest = document.createTextNode('');
    growing.text.after(element('span', 'seam', text), rest);
    growing.text = rest;
  }

  clear() {
    this.place.replaceChildren();
    this.#segments.clear();
    this.#tools = new ToolCards(this.place);
  }

  /** @param {StreamEvent} event */
  #addEvent(event) {
    const { type, content = '', data } = event;
    const ending = endings.get(type);
    if (type === 'session_title') this.onTitle(content);
    else if (type === 'tool_call') this.#tools.call(event);
    else if (type === 'tool_result') this.#tools.result(event);
    else if (type === 'references') this.#addReferences(event);
    else if (ending !== undefined) this.note(data?.reason ? `${ending}: ${data.reason}` : ending);
    else this.#addChunk(event);
  }

  /** @param {StreamEvent} event */
  #addChunk(event) {
    const { type, id, content = '', done, timestamp, data } = event;
    const key = JSON.stringify([type, id]);
    const segment = this.#segments.get(key) ?? this.#begin(key, event);
    segment.text.appendData(content);
    if (type === 'error' && content === '') segment.text.appendData(String(data?.code ?? 'failed'));
    if (done !== true) return;
    segment.card.classList.remove('growing');
    if (segment.heading !== null) {
      const seconds = (Date.parse(timestamp) - segment.startedAt) / 1000;
      segment.heading.textContent = `Thought for ${Math.max(seconds, 0).toFixed(1)} s`;
    }
  }

  /**
   * @param {string} key
   * @param {StreamEvent} event
   * @returns {Segment}
   */
  #begin(key, { type, timestamp, data }) {
    const text = document.createTextNode('');
    const paragraph = element('p', 'text');
    paragraph.append(text);
    const { card, heading } = cardFor(type, paragraph);
    if (data !== undefined && type !== 'error' && type !== 'answer' && type !== 'thinking') {
      card.append(fold('more', 'data', showValue(data)).details);
    }
    this.place.append(card);
    const segment = { card, text, heading, startedAt: Date.parse(timestamp) };
    this.#segments.set(key, segment);
    return segment;
  }

  /** @param {StreamEvent} event */
  #addReferences({ data }) {
    const references = Array.isArray(data?.references) ? data.references : [];
    const list = element('ol');
    for (const one of references) {
      const item = element('li', '', String(one?.title ?? one));
      if (one?.url) item.append(element('span', 'note', ` ${one.url}`));
      list.append(item);
    }
    this.place.append(fold('card references', `${references.length} references`, list).details);
  }
}

/**
 * @param {string} type
 * @param {HTMLElement} paragraph
 * @returns {{ card: HTMLElement, heading: HTMLElement | null }}
 */
function cardFor(type, paragraph) {
  if (type === 'thinking') {
    const { details, summary } = fold('thinking growing', 'Thinking…', paragraph);
    return { card: details, heading: summary };
  }
  const isKnown = type === 'answer' || type === 'error';
  const card = element('article', isKnown ? `${type} growing` : 'card other');
  if (!isKnown) card.append(element('span', 'type', type));
  card.append(paragraph);
  return { card, heading: null };
}

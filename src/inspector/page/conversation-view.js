import { asText, element, fold } from './elements.js';
import { endingOf } from './feed.js';
import { MarkdownText } from './markdown.js';
import { OtherEvents, textOfChunk } from './other-events.js';
import { ToolCards } from './tool-cards.js';

/** @typedef {import('./feed.js').Frame} Frame */
/** @typedef {Record<string, any>} StreamEvent */
/** @typedef {{ card: HTMLElement, text: MarkdownText, startedAt: number }} Segment */

const endings = new Map([
  ['complete', 'Complete'],
  ['stop', 'Stopped'],
]);

/** The types whose events are chunks of a text. */
const textTypes = new Set(['agent_query', 'thinking', 'answer', 'error']);

/** The stream as people read it: thoughts and the answer growing, tools with their results. */
export class ConversationView {
  /** Chunks that share a type and an id are one segment. @type {Map<string, Segment>} */
  #segments = new Map();
  /** The segment that grows; any other event settles it. @type {Segment | null} */
  #growing = null;
  /** @type {ToolCards} */
  #tools;
  /** The events of an unknown type that came last, one after another. @type {OtherEvents | null} */
  #others = null;

  /**
   * @param {HTMLElement} place
   * @param {import('./approvals.js').Approvals} approvals
   * @param {(title: string) => void} onTitle
   */
  constructor(place, approvals, onTitle) {
    this.place = place;
    this.approvals = approvals;
    this.onTitle = onTitle;
    this.#tools = new ToolCards(place);
  }

  /** @param {Frame} frame */
  add(frame) {
    const { kind, value } = frame;
    if (kind === 'malformed')
      this.note(`An element of ${asText(value.bytes)} bytes that is no event`);
    if (kind !== 'event') return;
    this.#addEvent(textOfChunk(value));
    if (endingOf(frame) !== null) this.#settleAll(value.timestamp);
  }

  /** @param {string} text */
  note(text) {
    this.place.append(element('p', 'mark', text));
    this.#others = null;
  }

  /**
   * Marks the place where something happened to the connection: in the middle of what is growing.
   *
   * @param {string} text
   */
  seam(text) {
    if (this.#growing === null) this.note(text);
    else this.#growing.text.insert(element('span', 'seam', text));
  }

  clear() {
    this.place.replaceChildren();
    this.#segments.clear();
    this.#growing = null;
    this.#others = null;
    this.#tools = new ToolCards(this.place);
    this.approvals.clearQuestions();
  }

  /** @param {StreamEvent} event */
  #addEvent(event) {
    const { type, content, data } = event;
    if (textTypes.has(type)) return this.#addChunk(event);
    if (type === 'session_title') return this.onTitle(asText(content));
    this.#settle(event.timestamp);
    const others = this.#others;
    this.#others = null;
    const ending = endings.get(type);
    if (type === 'tool_call') this.#tools.call(event);
    else if (type === 'tool_result') this.#addResult(event);
    else if (type === 'tool_approval_required') this.place.append(this.approvals.ask(event));
    else if (type === 'references') this.#addReferences(event);
    else if (ending === undefined) this.#addOther(event, others);
    else this.note(data?.reason ? `${ending}: ${asText(data.reason)}` : ending);
  }

  /** @param {StreamEvent} event */
  #addChunk({ type, id, content = '', done, timestamp, data, isFirst }) {
    const key = JSON.stringify([type, id]);
    if (isFirst) this.#segments.delete(key);
    const known = this.#segments.get(key);
    if (known === undefined || known !== this.#growing) this.#settle(timestamp);
    const segment = known ?? this.#begin(key, type, timestamp);
    const text = type === 'error' && content === '' ? asText(data?.code ?? 'failed') : content;
    segment.text.append(asText(text));
    if (done === true) this.#settle(timestamp);
  }

  /**
   * @param {string} key
   * @param {string} type
   * @param {string} timestamp
   */
  #begin(key, type, timestamp) {
    const text = new MarkdownText();
    const segment = { card: cardFor(type, text.element), text, startedAt: Date.parse(timestamp) };
    this.place.append(segment.card);
    this.#segments.set(key, segment);
    this.#growing = segment;
    this.#others = null;
    return segment;
  }

  /** @param {string} timestamp of the event that says that nothing is growing any more */
  #settle(timestamp) {
    const segment = this.#growing;
    this.#growing = null;
    if (segment === null) return;
    segment.card.classList.remove('growing');
    if (!(segment.card instanceof HTMLDetailsElement)) return;
    const seconds = Math.max((Date.parse(timestamp) - segment.startedAt) / 1000, 0);
    const took = Number.isNaN(seconds) ? '' : ` for ${seconds.toFixed(1)} s`;
    segment.card.open = false;
    segment.card.children[0]?.replaceChildren(`Thought${took}`);
  }

  /** @param {string} timestamp */
  #settleAll(timestamp) {
    this.#settle(timestamp);
    this.#tools.settle();
  }

  /** @param {StreamEvent} event @param {OtherEvents | null} last */
  #addOther(event, last) {
    const isNew = last === null || last.type !== event.type;
    const others = isNew ? new OtherEvents(event.type) : last;
    if (isNew) this.place.append(others.element);
    others.add(event);
    this.#others = others;
  }

  /** @param {StreamEvent} event */
  #addResult(event) {
    this.#tools.result(event);
    this.approvals.close(event.data?.tool_call_id);
  }

  /** @param {StreamEvent} event */
  #addReferences({ data }) {
    const references = Array.isArray(data?.references) ? data.references : [];
    const list = element('ol');
    for (const one of references) {
      const item = element('li', '', asText(one?.title ?? one));
      if (one?.url) item.append(element('span', 'note', ` ${asText(one.url)}`));
      list.append(item);
    }
    const title = references.length === 1 ? '1 reference' : `${references.length} references`;
    this.place.append(fold('card references', title, list).details);
  }
}

/**
 * @param {string} type
 * @param {HTMLElement} text
 */
function cardFor(type, text) {
  if (type === 'thinking') {
    const { details } = fold('thinking growing', 'Thinking…', text);
    details.open = true;
    return details;
  }
  const card = element('article', type === 'agent_query' ? 'query' : `${type} growing`);
  card.append(text);
  return card;
}

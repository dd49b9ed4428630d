import { asText, element, find, shorten } from './elements.js';

/** @typedef {import('./feed.js').Frame} Frame */
/** @typedef {{ offset: number, state: HTMLElement }} Row */

const list = find('inputs-list', HTMLOListElement);

/** The most characters of one input that are shown. */
const maxLength = 20_000;

/** The inputs of a stream, each with its author, its content and what became of it. */
export class InputsList {
  /** @type {Row[]} */
  #rows = [];

  get length() {
    return this.#rows.length;
  }

  /** @param {Frame} frame of the feed of inputs: its id has the offset after it */
  add({ kind, id, value }) {
    const input =
      kind === 'event' ? value : { type: kind, content: `${asText(value.bytes)} bytes` };
    const state = element('span', 'input-state');
    const row = element('li');
    row.append(
      element('span', 'type', labelOf(input)),
      element('p', 'text', shorten(contentOf(input), maxLength)),
      state,
    );
    this.#rows.push({ offset: Number.parseInt(id, 10) - 1, state });
    list.append(row);
    list.hidden = false;
    list.scrollTo(0, list.scrollHeight);
  }

  /** @param {number} ackOffset */
  hasAfter(ackOffset) {
    return this.#rows.some(({ offset }) => offset >= ackOffset);
  }

  /**
   * @param {number | null} ackOffset null when it is unknown
   * @param {boolean} hasEnded
   */
  draw(ackOffset, hasEnded) {
    for (const { offset, state } of this.#rows) {
      const name = ackOffset === null ? '' : stateOf(offset < ackOffset, hasEnded);
      if (state.textContent === name) continue;
      state.textContent = name;
      state.dataset.state = name;
    }
  }

  clear() {
    this.#rows = [];
    list.replaceChildren();
    list.hidden = true;
  }
}

/** @param {boolean} isRead @param {boolean} hasEnded */
function stateOf(isRead, hasEnded) {
  if (isRead) return 'read';
  return hasEnded ? 'not read' : 'queued';
}

/** @param {Record<string, any>} input */
function labelOf({ type, by }) {
  const author = by === undefined ? '' : ` · ${asText(by)}`;
  return shorten(`${asText(type)}${author}`, 200);
}

/** @param {Record<string, any>} input */
function contentOf({ type, content, data }) {
  if (type === 'approval' && data?.replyTo !== undefined)
    return `${data.approved === true ? 'Approved' : 'Rejected'} ${asText(data.replyTo)}`;
  return content ? asText(content) : asText(data ?? '');
}

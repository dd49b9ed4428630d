import { asText, element, shorten } from './elements.js';

/** @typedef {import('./feed.js').Frame} Frame */

/** The most frames that are shown; earlier ones make room. */
const maxRows = 5000;

/** The most characters of one frame that are shown. */
const maxData = 2000;

/** The stream as it comes over the wire: each frame with its id, and how long after the last. */
export class FramesView {
  #list = element('ol');

  /** @param {HTMLElement} place */
  constructor(place) {
    place.append(this.#list);
  }

  /**
   * @param {Frame} frame
   * @param {number} delayMs
   */
  add({ kind, id, data, value }, delayMs) {
    const row = element('li', kind === 'event' ? '' : 'odd');
    row.append(
      element('code', 'id', id),
      element('span', 'delay', `+${Math.round(delayMs)} ms`),
      element('span', 'type', kind === 'event' ? asText(value.type) : kind),
      breakable(shorten(data, maxData)),
    );
    this.#append(row);
  }

  /** @param {string} text */
  note(text) {
    this.#append(element('li', 'mark', text));
  }

  clear() {
    this.#list.replaceChildren();
  }

  /** @param {HTMLLIElement} row */
  #append(row) {
    this.#list.append(row);
    if (this.#list.childElementCount > maxRows) this.#list.firstElementChild?.remove();
  }
}

/**
 * JSON that breaks between its members rather than within a word.
 *
 * @param {string} data
 */
function breakable(data) {
  const code = element('code', 'data');
  for (const member of data.split(/(?<=,)(?=")/)) code.append(member, element('wbr'));
  return code;
}

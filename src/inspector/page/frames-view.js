import { element, shorten } from './elements.js';

/** @typedef {import('./feed.js').Frame} Frame */

/** The most frames that are shown; earlier ones make room. */
const mostRows = 5000;

/** The most characters of one frame that are shown. */
const longestData = 2000;

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
      element('span', 'type', kind === 'event' ? String(value.type) : kind),
      element('code', 'data', shorten(data, longestData)),
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
    if (this.#list.childElementCount > mostRows) this.#list.firstElementChild?.remove();
  }
}

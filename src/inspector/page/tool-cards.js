import { asText, element, fold, showValue } from './elements.js';

/** @typedef {Record<string, any>} StreamEvent */
/** @typedef {{ card: HTMLElement, state: HTMLElement }} Card */

/** Tool calls, each with its result where the events say which belongs to which. */
export class ToolCards {
  /** Calls that wait for their results, by the id of the call. @type {Map<string, Card>} */
  #waiting = new Map();

  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
  }

  /** @param {StreamEvent} event */
  call({ id, content, data }) {
    const {
      tool_call_id: callId = id,
      tool_name,
      name,
      arguments: args,
      input,
      ...rest
    } = data ?? {};
    const one = this.#begin(asText(tool_name ?? name ?? (content || 'tool')), 'running');
    const value = args ?? input ?? (Object.keys(rest).length > 0 ? rest : undefined);
    if (value !== undefined) one.card.append(fold('more', 'Arguments', showValue(value)).details);
    this.#waiting.set(asText(callId), one);
  }

  /** @param {StreamEvent} event */
  result({ id, content, data }) {
    const {
      tool_call_id: callId = id,
      success,
      duration_ms: durationMs,
      output,
      ...rest
    } = data ?? {};
    const one = this.#waiting.get(asText(callId)) ?? this.#begin('result', '');
    this.#waiting.delete(asText(callId));
    const took = typeof durationMs === 'number' ? ` in ${durationMs} ms` : '';
    one.state.textContent = success === false ? `failed${took}` : `done${took}`;
    one.card.classList.remove('growing');
    one.card.classList.toggle('failed', success === false);
    if (content) one.card.append(element('p', 'text result', asText(content)));
    const value = output ?? (Object.keys(rest).length > 0 ? rest : undefined);
    if (value !== undefined) one.card.append(fold('more', 'Result', showValue(value)).details);
  }

  /** The stream has ended: no result comes any more. */
  settle() {
    for (const { card, state } of this.#waiting.values()) {
      card.classList.remove('growing');
      state.textContent = 'no result';
    }
    this.#waiting.clear();
  }

  /**
   * @param {string} name
   * @param {string} state
   * @returns {Card}
   */
  #begin(name, state) {
    const card = element('article', 'card tool growing');
    const head = element('p', 'tool-head');
    const one = { card, state: element('span', 'tool-state', state) };
    head.append(element('span', 'type', 'tool'), element('b', '', name), one.state);
    card.append(head);
    this.place.append(card);
    return one;
  }
}

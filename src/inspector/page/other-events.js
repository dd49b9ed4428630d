import { asText, element, fold } from './elements.js';

/** @typedef {Record<string, any>} StreamEvent */

/** The most characters of the events of one group that are shown. */
const maxLength = 20_000;

/** Events of a type without a view of its own that came one after another: one row for all. */
export class OtherEvents {
  #count = 0;
  #counter = element('span', 'note');
  #text = element('p', 'text');
  #lines = element('pre');
  #length = 0;
  #lastId = '';

  /** @param {string} type */
  constructor(type) {
    this.type = type;
    this.element = element('article', 'other');
    const { details, summary } = fold('more', '', this.#lines);
    summary.append(element('span', 'type', type), ' ', this.#counter);
    this.element.append(details);
  }

  /** @param {StreamEvent} event */
  add({ id, content, data }) {
    this.#count += 1;
    if (this.#count > 1) this.#counter.textContent = `× ${this.#count}`;
    if (content) this.#addText(asText(id), asText(content));
    if (this.#length > maxLength) return;
    const line = `${JSON.stringify(data ?? {})}\n`.slice(0, maxLength);
    this.#length += line.length;
    this.#lines.append(this.#length > maxLength ? '… (the frames show the rest)' : line);
  }

  /**
   * @param {string} id chunks that share it are one text
   * @param {string} chunk
   */
  #addText(id, chunk) {
    const isNext = this.#text.isConnected && id !== this.#lastId;
    this.#lastId = id;
    this.#text.append(isNext ? '\n' : '', chunk);
    this.element.append(this.#text);
  }
}

/** What the parts of an AI SDK message are here. */
const partTypes = new Map([
  ['text', 'answer'],
  ['reasoning', 'thinking'],
]);

/**
 * An AI SDK chunk of text or of reasoning as the event that it stands for; any other event as it is.
 *
 * @param {StreamEvent} event
 * @returns {StreamEvent}
 */
export function textOfChunk(event) {
  if (event.type !== 'ui_message_chunk') return event;
  const { type, id, delta = '' } = event.data ?? {};
  const [, part = '', phase] = /^(text|reasoning)-(start|delta|end)$/.exec(asText(type)) ?? [];
  const partType = partTypes.get(part);
  if (partType === undefined) return event;
  const { timestamp } = event;
  const [isFirst, done] = [phase === 'start', phase === 'end'];
  return { type: partType, id, content: delta, isFirst, done, timestamp };
}

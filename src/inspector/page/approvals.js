import { asText, element, shorten } from './elements.js';

/** @typedef {Record<string, any>} StreamEvent */
/** @typedef {{ isApproved: boolean, by: unknown }} Decision */
/** @typedef {{ replyTo: unknown, card: HTMLElement, isSent: boolean, isClosed: boolean }} Question */

const maxLength = 20_000;

/**
 * Tool calls that wait for an approval. What was decided comes from the inputs, so that every page that
 * follows the stream shows it, also after a reload.
 */
export class Approvals {
  /** By the id of the approval. @type {Map<string, Question>} */
  #questions = new Map();
  /** The questions that wait, by the id of the tool call. @type {Map<string, Question>} */
  #ofCalls = new Map();
  /** By the id of the approval: the first decision counts. @type {Map<string, Decision>} */
  #decisions = new Map();
  #isOpen = false;
  #isConnected = false;

  /** @param {(replyTo: unknown, approved: boolean) => Promise<boolean>} onDecide resolves with whether it was sent */
  constructor(onDecide) {
    this.onDecide = onDecide;
  }

  /**
   * The card of a question, with the buttons that answer it; one that is asked again keeps its card.
   *
   * @param {StreamEvent} event
   */
  ask({ id, content, data }) {
    const { approval_id: replyTo = id, tool_call_id: callId, tool_name: name } = data ?? {};
    const text = asText(content || `May ${asText(name ?? 'the tool')} run?`);
    const question = this.#questions.get(asText(replyTo)) ?? begin(replyTo, text);
    this.#questions.set(asText(replyTo), question);
    if (callId !== undefined) this.#ofCalls.set(asText(callId), question);
    this.#draw(question);
    return question.card;
  }

  /** @param {StreamEvent} input */
  take({ type, data, by }) {
    const key = asText(data?.replyTo);
    if (type !== 'approval' || this.#decisions.has(key)) return;
    this.#decisions.set(key, { isApproved: data?.approved === true, by });
    const question = this.#questions.get(key);
    if (question !== undefined) this.#draw(question);
  }

  /**
   * The call has its result: its worker may have learnt the decision elsewhere.
   *
   * @param {unknown} callId
   */
  close(callId) {
    const question = this.#ofCalls.get(asText(callId));
    if (question === undefined) return;
    question.isClosed = true;
    this.#draw(question);
  }

  /**
   * @param {boolean} isOpen whether the stream takes inputs
   * @param {boolean} isConnected
   */
  setOpen(isOpen, isConnected) {
    if (isOpen === this.#isOpen && isConnected === this.#isConnected) return;
    this.#isOpen = isOpen;
    this.#isConnected = isConnected;
    this.#drawAll();
  }

  clearQuestions() {
    this.#questions.clear();
    this.#ofCalls.clear();
  }

  clearDecisions() {
    this.#decisions.clear();
    this.#drawAll();
  }

  #drawAll() {
    for (const question of this.#questions.values()) this.#draw(question);
  }

  /** @param {Question} question */
  #draw(question) {
    const place = /** @type {HTMLElement} */ (question.card.lastElementChild);
    const decision = this.#decisions.get(asText(question.replyTo));
    if (decision !== undefined) place.replaceChildren(sentenceOf(decision));
    else if (question.isClosed) place.replaceChildren('Not answered by an input');
    else if (!this.#isOpen) place.replaceChildren('Not answered');
    else place.replaceChildren(this.#button(question, true), this.#button(question, false));
  }

  /** @param {Question} question @param {boolean} approved */
  #button(question, approved) {
    const button = element('button', approved ? 'approve' : '', approved ? 'Approve' : 'Reject');
    button.type = 'button';
    button.disabled = question.isSent || !this.#isConnected;
    button.addEventListener('click', () => this.#decide(question, approved));
    return button;
  }

  /** @param {Question} question @param {boolean} approved */
  async #decide(question, approved) {
    question.isSent = true;
    this.#draw(question);
    question.isSent = await this.onDecide(question.replyTo, approved);
    this.#draw(question);
  }
}

/** @param {unknown} replyTo @param {string} text */
function begin(replyTo, text) {
  const card = element('article', 'card approval');
  card.append(element('p', 'text', shorten(text, maxLength)), element('p', 'decision'));
  return { replyTo, card, isSent: false, isClosed: false };
}

/** @param {Decision} decision */
function sentenceOf({ isApproved, by }) {
  const verb = isApproved ? 'Approved' : 'Rejected';
  return by === undefined ? verb : `${verb} by ${shorten(asText(by), 200)}`;
}

import { authorization } from './credentials.js';
import { element, eventCount, find } from './elements.js';
import { invalidId, listStreams, ServiceError } from './service.js';

const list = find('streams', HTMLUListElement);
const note = find('streams-note', HTMLParagraphElement);

/** How often the list is asked for while somebody looks. */
const periodMs = 2000;

/** The streams of a session, with their status as it is now. */
export class StreamsList {
  /** Of the rows, by the id of the message, so that the focus stays where it is. @type {Map<string, HTMLElement>} */
  #rows = new Map();
  #sid = '';
  #mid = '';
  /** How many events of the open stream have come: never more than the list says. */
  #received = 0;
  /** Asking again would be rejected again. */
  #isRejected = false;
  /** How many responses have not come yet. */
  #pending = 0;

  /** @param {(mid: string) => void} onChoose */
  constructor(onChoose) {
    this.onChoose = onChoose;
    setInterval(() => {
      const isWatched = document.visibilityState === 'visible' && !this.#isRejected;
      if (isWatched && this.#pending === 0) void this.refresh();
    }, periodMs);
  }

  /**
   * @param {string} sid
   * @param {string} mid the stream that is open; empty when none is
   */
  async show(sid, mid) {
    if (sid !== this.#sid) this.#clear();
    this.#sid = sid;
    this.#mid = mid;
    this.#received = 0;
    await this.refresh();
  }

  async refresh() {
    const sid = this.#sid;
    if (sid === '') return;
    this.#isRejected = false;
    this.#pending += 1;
    try {
      const streams = await listStreams(sid);
      if (sid === this.#sid) this.#draw(streams);
    } catch (error) {
      this.#isRejected = error instanceof ServiceError && error.status < 500;
      this.#clear();
      note.textContent = explain(error);
    } finally {
      this.#pending -= 1;
    }
  }

  /**
   * Between two responses the open stream goes on.
   *
   * @param {number} count of the events of it that have come
   */
  setReceived(count) {
    if (count === this.#received) return;
    this.#received = count;
    const row = this.#rows.get(this.#mid);
    if (row === undefined) return;
    const [, , text] = parts(row);
    if (count > Number.parseInt(text.textContent ?? '', 10)) text.textContent = eventCount(count);
  }

  /** @param {{ messageId: string, streamStatus: string, nextOffset: number }[]} streams */
  #draw(streams) {
    note.textContent = streams.length === 0 ? 'None yet.' : '';
    const gone = new Set(this.#rows.keys());
    streams.forEach(({ messageId, streamStatus, nextOffset }, index) => {
      gone.delete(messageId);
      const row = this.#rows.get(messageId) ?? this.#makeRow(messageId);
      if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
      const [button, state, count] = parts(row);
      button.setAttribute('aria-current', String(messageId === this.#mid));
      state.dataset.status = streamStatus;
      if (state.textContent !== streamStatus) state.textContent = streamStatus;
      const received = messageId === this.#mid ? this.#received : 0;
      count.textContent = eventCount(Math.max(nextOffset, received));
    });
    for (const mid of gone) this.#remove(mid);
  }

  /** @param {string} mid */
  #makeRow(mid) {
    const row = element('li');
    const button = element('button');
    button.type = 'button';
    button.append(element('span', 'name', mid), element('span', 'badge'), element('span', 'note'));
    button.addEventListener('click', () => this.onChoose(mid));
    row.append(button);
    this.#rows.set(mid, row);
    return row;
  }

  /** @param {string} mid */
  #remove(mid) {
    this.#rows.get(mid)?.remove();
    this.#rows.delete(mid);
  }

  #clear() {
    for (const mid of [...this.#rows.keys()]) this.#remove(mid);
    note.textContent = '';
  }
}

/**
 * The button of a row, the status and the number of events in it.
 *
 * @param {HTMLElement} row
 */
function parts(row) {
  const button = /** @type {HTMLElement} */ (row.firstElementChild);
  const [, state, count] = /** @type {HTMLElement[]} */ ([...button.children]);
  return /** @type {const} */ ([
    button,
    /** @type {HTMLElement} */ (state),
    /** @type {HTMLElement} */ (count),
  ]);
}

/** @param {unknown} error */
function explain(error) {
  if (!(error instanceof ServiceError)) return 'The service cannot be reached.';
  const isAnonymous = authorization('read').authorization === undefined;
  if (error.status === 401 && isAnonymous) return 'The list needs a key or a token.';
  if (error.status === 400) return invalidId;
  if (error.status === 403) return 'This key or token may not list the session.';
  return error.message;
}

/**
 * An element with a class and a text. Whatever an event holds comes to the page as text, here and
 * nowhere else: markup in it is shown, not followed.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, className = '', text = '') {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  if (text !== '') made.textContent = text;
  return made;
}

/**
 * The element of the page with this id.
 *
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function find(id, kind) {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${id}`);
}

/**
 * A fold, closed at first.
 *
 * @param {string} className
 * @param {string} title
 * @param {HTMLElement} content
 */
export function fold(className, title, content) {
  const details = element('details', className);
  const summary = element('summary', '', title);
  details.append(summary, content);
  return { details, summary };
}

/**
 * Any value as a text: workers may send what they like where a name is usual.
 *
 * @param {unknown} value
 */
export function asText(value) {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** @param {number} count */
export function eventCount(count) {
  return count === 1 ? '1 event' : `${count} events`;
}

/** The most characters of one value that are shown. */
const longestValue = 20_000;

/**
 * Any value for the eye: JSON, indented.
 *
 * @param {unknown} value
 */
export function showValue(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return element('pre', '', shorten(text ?? '', longestValue));
}

/**
 * @param {string} text
 * @param {number} longest in UTF-16 code units
 */
export function shorten(text, longest) {
  if (text.length <= longest) return text;
  return `${text.slice(0, longest)}… (${text.length - longest} more)`;
}

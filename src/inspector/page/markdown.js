import { element } from './elements.js';

/** A line that is longer than this many UTF-16 code units grows without styles. */
const maxStyledLine = 2000;

/** Code, bold, italics and links; the group that holds the text tells which of them it is. */
const inlineMarks =
  /(?<tick>`)(?<code>[^`]+)`|(?<stars>\*\*)(?<strong>(?:[^*]|\*(?!\*))+)\*\*|(?<mark>\*|(?<!\w)_)(?<em>[^*_\s](?:[^*_]*[^*_\s])?)\k<mark>(?!\w)|(?<open>\[)(?<link>[^[\]]+)\]\((?<url>[^()\s]+)\)/g;

/**
 * Text with some Markdown, which grows: headings, lists, code, bold, italics, links as text. Nothing
 * is taken out of it: the marks of Markdown stay in the page, hidden, so that the text of the element
 * is what the events hold. Only the last line is styled again when a chunk comes.
 */
export class MarkdownText {
  #isCode = false;
  /** @type {HTMLElement | null} */
  #line = null;
  /** The part of the line that is styled again, after any note within the line. */
  #rest = element('span');
  #source = '';

  constructor() {
    this.element = element('p', 'text');
  }

  /** @param {string} chunk */
  append(chunk) {
    const [first = '', ...others] = chunk.split(/(?<=\n)/);
    this.#extend(first);
    for (const text of others) this.#extend(text);
  }

  /** @param {HTMLElement} note shown where the text ends now, which goes on after it */
  insert(note) {
    this.#startLine();
    this.#source = '';
    this.#rest.after(note, element('span'));
    this.#rest = /** @type {HTMLElement} */ (this.#line?.lastElementChild);
  }

  /** @param {string} text that has a line feed at its end at most */
  #extend(text) {
    if (text === '') return;
    const line = this.#startLine();
    this.#source += text;
    if (this.#source.length > maxStyledLine) this.#rest.append(text);
    else this.#style(line);
    if (!text.endsWith('\n')) return;
    if (line.classList.contains('fence')) this.#isCode = !this.#isCode;
    this.#line = null;
  }

  #startLine() {
    if (this.#line !== null) return this.#line;
    this.#source = '';
    this.#rest = element('span');
    this.#line = element('span', 'text-line');
    this.#line.append(this.#rest);
    this.element.append(this.#line);
    return this.#line;
  }

  /** @param {HTMLElement} line */
  #style(line) {
    const text = this.#source;
    const isStart = line.firstElementChild === this.#rest;
    if (isStart) line.className = `text-line ${this.#kindOf(text)}`;
    if (line.matches('.code-line, .fence')) return this.#rest.replaceChildren(text);
    const [, marker = '', rest = text] =
      (isStart && /^(#{1,6} |\s*(?:[-*+]|\d{1,9}[.)]) )(.*)$/s.exec(text)) || [];
    const isHidden = marker.startsWith('#');
    const mark = marker === '' ? [] : [element('span', isHidden ? 'syntax' : 'marker', marker)];
    this.#rest.replaceChildren(...mark, ...inline(rest));
  }

  /** @param {string} text */
  #kindOf(text) {
    if (text.startsWith('```')) return 'fence';
    if (this.#isCode) return 'code-line';
    if (text.trim() === '') return 'blank';
    if (/^#{1,6} /.test(text)) return 'heading';
    return /^\s*(?:[-*+]|\d{1,9}[.)]) /.test(text) ? 'item' : '';
  }
}

/**
 * @param {string} text
 * @returns {(string | HTMLElement)[]}
 */
function inline(text) {
  /** @type {(string | HTMLElement)[]} */
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(inlineMarks)) {
    nodes.push(text.slice(end, match.index), ...styled(match.groups ?? {}));
    end = match.index + match[0].length;
  }
  return [...nodes, text.slice(end)].filter((node) => node !== '');
}

/** @param {Record<string, string | undefined>} groups of a match */
function styled({ code, strong, em, link = '', url, ...marks }) {
  if (code !== undefined) return [syntax('`'), element('code', '', code), syntax('`')];
  if (url !== undefined) {
    const address = element('span', 'note', url);
    return [syntax('['), element('span', 'link', link), syntax(']'), '(', address, ')'];
  }
  const mark = marks.stars ?? marks.mark ?? '';
  const outer = element(strong === undefined ? 'em' : 'strong');
  outer.append(...inline(strong ?? em ?? ''));
  return [syntax(mark), outer, syntax(mark)];
}

/** @param {string} mark */
function syntax(mark) {
  return element('span', 'syntax', mark);
}

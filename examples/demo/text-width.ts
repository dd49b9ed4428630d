const words = new Intl.Segmenter('en', { granularity: 'word' });
const characters = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Two columns wide in a terminal: emoji, and what Unicode's East Asian Width calls wide. */
const wide =
  /\ufe0f|[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;

/** More than a screen shows of one reader. */
const windowLength = 500;

/** The last lines of a text, wrapped to this many columns. */
export function lastLines(text: string, columns: number, count: number): string[] {
  const lines = wrap(printable(endOf(text)), columns);
  return lines.slice(Math.max(0, lines.length - count));
}

/** It begins at a multiple of the window's length, so that a text that grows keeps its line breaks. */
function endOf(text: string): string {
  const windows = Math.floor(text.length / windowLength);
  return text.slice(Math.max(0, windows - 1) * windowLength);
}

/** Leaves out what could steer the terminal: the text comes from outside. */
function printable(text: string): string {
  return text.replace(/\s+/gu, ' ').replace(/[\p{Cc}\p{Bidi_Control}]/gu, '');
}

function wrap(text: string, columns: number): string[] {
  const lines = [''];
  let used = 0;
  for (const { piece, width } of pieces(text, columns)) {
    if (used + width > columns) {
      lines.push('');
      used = 0;
    }
    if (used === 0 && piece === ' ') continue;
    lines[lines.length - 1] += piece;
    used += width;
  }
  return lines;
}

interface Piece {
  readonly piece: string;
  readonly width: number;
}

/** What a line break may not divide: words, and characters where a word is longer than a line. */
function* pieces(text: string, columns: number): Generator<Piece> {
  for (const { segment: word } of words.segment(text)) {
    const parts = [...characters.segment(word)].map(({ segment }) => toPiece(segment));
    const width = parts.reduce((sum, part) => sum + part.width, 0);
    if (width > columns) yield* parts;
    else yield { piece: word, width };
  }
}

function toPiece(character: string): Piece {
  return { piece: character, width: wide.test(character) ? 2 : 1 };
}

import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import type { Reader, ReaderState } from './reader.js';
import { progress, type Screen } from './screen.js';
import { lastLines } from './text-width.js';
import type { Worker } from './worker.js';

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const eraseBelow = '\x1b[J';
const upLines = (count: number) => (count === 0 ? '' : `\x1b[${count}A`);

const colors: Readonly<Record<ReaderState, Parameters<typeof styleText>[0]>> = {
  waiting: 'gray',
  live: 'green',
  cut: 'red',
  ended: 'yellow',
  done: 'cyan',
};

const nameColumns = 10;
const stateColumns = 9;
const headColumns = nameColumns + stateColumns;
const maxColumns = 100;
const usualRows = 24;
const maxTailLines = 3;

/** Draws over its own picture. */
export class TerminalScreen implements Screen {
  readonly intervalMs = 100;
  #drawnLines = 0;

  constructor(
    readonly output: WriteStream,
    readonly worker: Worker,
    readonly readers: readonly Reader[],
  ) {
    output.write(hideCursor);
  }

  draw(): void {
    const lines = [progress(this.worker), ...this.readers.flatMap((reader) => this.#panel(reader))];
    const picture = lines.map((line) => `${line}\n`).join('');
    this.output.write(`${upLines(this.#drawnLines)}\r${eraseBelow}${picture}`);
    this.#drawnLines = lines.length;
  }

  close(): void {
    this.draw();
    this.output.write(showCursor);
  }

  #panel(reader: Reader): string[] {
    const { name, state, frames, reconnects, lastId } = reader;
    const counts = `${frames.length} events`.padEnd(13) + `${reconnects} reconnects`.padEnd(16);
    // A line that wraps would make the picture higher than what is drawn over.
    const rest = `${counts}last id ${lastId ?? '-'}`.slice(0, this.#columns - headColumns);
    return [
      '',
      `${name.padEnd(nameColumns)}${this.#paint(state)}${rest}`,
      ...this.#tail(reader.text),
    ];
  }

  #tail(text: string): string[] {
    const count = this.#tailLines;
    const lines = lastLines(text, this.#columns - 3, count);
    while (lines.length < count) lines.push('');
    return lines.map((line) => `  ${line}`);
  }

  #paint(state: ReaderState): string {
    const text = state.padEnd(stateColumns);
    return this.output.hasColors() ? styleText(colors[state], text) : text;
  }

  get #columns(): number {
    return Math.min(maxColumns, this.output.columns || maxColumns);
  }

  /** As many as the height of the terminal allows. */
  get #tailLines(): number {
    const perReader = Math.floor(((this.output.rows || usualRows) - 2) / this.readers.length);
    return Math.min(maxTailLines, Math.max(0, perReader - 2));
  }
}

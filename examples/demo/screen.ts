import type { Reader } from './reader.js';
import type { Worker } from './worker.js';

/** Shows how far the worker and the readers are. */
export interface Screen {
  /** How often it wants to be drawn. */
  readonly intervalMs: number;
  draw(): void;
  /** Draws the last picture and leaves the terminal as it was. */
  close(): void;
}

/** For pipes and files: a line now and then. */
export class LogScreen implements Screen {
  readonly intervalMs = 2000;

  constructor(
    readonly output: NodeJS.WritableStream,
    readonly worker: Worker,
    readonly readers: readonly Reader[],
  ) {}

  draw(): void {
    const readers = this.readers.map(
      ({ name, state, frames, reconnects }) =>
        `${name}: ${state}, ${frames.length} events, ${reconnects} reconnects`,
    );
    this.output.write(`${[progress(this.worker), ...readers].join('; ')}\n`);
  }

  close(): void {
    this.draw();
  }
}

export function progress({ sent, run, waitsFor, approvals }: Worker): string {
  const inputs = approvals.map(
    ({ replyTo, isApproved }) => `, ${replyTo} ${isApproved ? 'approved' : 'rejected'}`,
  );
  const wait = waitsFor === null ? '' : `, waits for ${waitsFor} to be approved`;
  return `worker    ${sent.length} of ${run.length} events sent${inputs.join('')}${wait}`;
}

import { ProducerFenced, StreamEnded, WorkerEnded } from './worker-errors.js';

/** Says why a worker had to end, and returns the exit code for it. Throws all other errors. */
export function explain(error: unknown): number {
  if (!(error instanceof WorkerEnded)) throw error;
  const [code, word] =
    error instanceof StreamEnded
      ? [3, 'Stopped']
      : error instanceof ProducerFenced
        ? [4, 'Taken over']
        : [5, 'Failed'];
  process.stderr.write(`${word}: ${error.message}.\n`);
  return code;
}

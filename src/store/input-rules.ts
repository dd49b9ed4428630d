import { ServiceError } from '../errors.js';
import type { StreamLimits } from './append-rules.js';

export function inputConflict(id: string): ServiceError {
  const message = `another input of the stream has the id ${JSON.stringify(id)}`;
  return new ServiceError('input_conflict', message, { stored: 0 });
}

/** Rejects inputs over the limits of one stream. @param stored how many of them were stored before */
export function inputsFull(
  { maxStreamInputs, maxStreamInputBytes }: StreamLimits,
  stored: number,
): ServiceError {
  const message = `the stream may have at most ${maxStreamInputs} inputs and ${maxStreamInputBytes} bytes of them`;
  return new ServiceError('inputs_full', message, { stored });
}

/** Rejects the acknowledgement of inputs that do not exist. @param stored how many events were stored before */
export function inputsGap(nextOffset: number, stored = 0): ServiceError {
  const message = `the stream has ${nextOffset} inputs, fewer than are acknowledged`;
  return new ServiceError('inputs_gap', message, { stored, inputs: { nextOffset } });
}

/** Rejects a terminal event of a worker that acknowledges inputs and has not acknowledged all. */
export function inputsUnread(nextOffset: number): ServiceError {
  const message = `the stream has ${nextOffset} inputs, of which some are not acknowledged: read them, or end it without Inputs-Ack-Offset`;
  return new ServiceError('inputs_unread', message, { stored: 0, inputs: { nextOffset } });
}

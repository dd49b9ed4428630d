import { ServiceError } from '../errors.js';

/** Makes the append of a batch idempotent: a retry cannot store it twice. */
export interface ProducerStamp {
  /** The id of the producer within its stream; workers that take over from one another share it. */
  readonly id: string;
  /** Raised by each worker that takes over, which fences the one before. */
  readonly epoch: number;
  /** The sequence number of the first event of the batch; each event takes the next. */
  readonly seq: number;
}

/** The progress of a producer in a stream. */
export interface ProducerState {
  readonly epoch: number;
  /** The sequence number that is expected next. */
  readonly nextSeq: number;
}

/** Max number of producers of one stream. */
export const maxProducers = 64;

/** The sequence number that comes next from this producer: 0 from an unknown one or a new epoch. */
export function expectedSeq(known: ProducerState | undefined, epoch: number): number {
  return known !== undefined && known.epoch === epoch ? known.nextSeq : 0;
}

/** @throws ServiceError `producer_fenced` when a worker with a higher epoch has taken over */
export function rejectFenced(known: ProducerState | undefined, epoch: number): void {
  if (known !== undefined && epoch < known.epoch) throw producerFenced(known.epoch);
}

export function producerFenced(epoch: number): ServiceError {
  return new ServiceError(
    'producer_fenced',
    `a worker with epoch ${epoch} has taken over this producer`,
    { stored: 0 },
  );
}

export function producerGap(expected: number): ServiceError {
  return new ServiceError(
    'producer_gap',
    `the next sequence number of this producer is ${expected}`,
    {
      stored: 0,
      expectedSeq: expected,
    },
  );
}

export function tooManyProducers(): ServiceError {
  return new ServiceError(
    'too_many_producers',
    `a stream may have at most ${maxProducers} producers`,
    { stored: 0 },
  );
}

import type { ProducerStamp } from '../../src/store/append-rules.js';

/** What a producer says of its next batch. */
export function producer(seq: number, epoch = 0, id = 'w'): ProducerStamp {
  return { id, epoch, seq };
}

/** The same, as headers of a request. */
export function producerHeaders(seq: number, epoch = 0, id = 'w'): Record<string, string> {
  return { 'producer-id': id, 'producer-epoch': String(epoch), 'producer-seq': String(seq) };
}

import type { StreamManager } from './stream-manager.js';

/** An ability of stream managers that end streams themselves, when a lease has run out. */
export interface LeasingStore {
  /** How many streams this process has ended so. */
  readonly lostProducers: number;
}

export function isLeasingStore(streams: StreamManager): streams is StreamManager & LeasingStore {
  return 'lostProducers' in streams;
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Run } from '../fault.js';

/** Lets the load run for a while, each time another one, so that a fault may inject at any moment. */
export function someMoment({ isFull, random }: Run): Promise<void> {
  return sleep(random() * (isFull ? 3000 : 1000));
}

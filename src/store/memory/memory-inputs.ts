import type { StoredEvent } from '../../events/event.js';
import type { StoredInput } from '../../events/parse-inputs.js';
import { inputConflict } from '../input-rules.js';

/** The inputs of one stream in this process. */
export class MemoryInputs {
  readonly events: StoredEvent[] = [];
  bytes = 0;
  ackOffset = 0;
  /** Checksums of the inputs as they were sent, by their ids. */
  readonly #checksums = new Map<string, string>();

  /** The inputs that are not stored yet. @throws ServiceError `input_conflict` */
  newOf(inputs: readonly StoredInput[]): readonly StoredInput[] {
    return inputs.filter(({ id, checksum }) => {
      const known = this.#checksums.get(id);
      if (known !== undefined && known !== checksum) throw inputConflict(id);
      return known === undefined;
    });
  }

  append(inputs: readonly StoredInput[]): void {
    for (const { id, checksum, bytes, type } of inputs) {
      // A copy: the bytes may be a view of a whole body.
      this.events.push({ bytes: Buffer.from(bytes), type, ending: null });
      this.#checksums.set(id, checksum);
      this.bytes += bytes.length;
    }
  }
}

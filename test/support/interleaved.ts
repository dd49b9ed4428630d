import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders whose files wait for processes, leases and timers most of the time. */
const waiting = ['tools/faults/', 'test/e2e/', 'test/clients/', 'test/contract/'];

/**
 * Files that mostly wait beside files that mostly work, from the first to the last, so that the processor
 * always has something to do. Both keep the order of vitest: what failed or took long the last time
 * comes first.
 */
export class Interleaved extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const waits = ({ moduleId }: TestSpecification) => {
      const path = relative(this.ctx.config.root, moduleId);
      return waiting.some((folder) => path.startsWith(folder));
    };
    const kinds = [sorted.filter(waits), sorted.filter((file) => !waits(file))];
    const placed = kinds.flatMap((kind) =>
      kind.map((file, index) => ({ file, place: index / kind.length })),
    );
    return placed.sort((one, other) => one.place - other.place).map(({ file }) => file);
  }
}

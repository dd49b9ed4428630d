import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders whose files wait for processes, leases and timers most of the time, the longest first. */
const waiting = ['test/contract/', 'tools/faults/', 'test/e2e/', 'test/clients/'];

/** By when the last of them begins, as a share of the run: alone at its end, they would leave cores idle. */
const allBegunAt = 0.8;

/**
 * Files that mostly wait beside files that mostly work, so that the processor always has something to do.
 * Among those of a folder, the order is that of vitest: what failed or took long the last time comes first, or
 * else the largest.
 */
export class Interleaved extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const folderOf = ({ moduleId }: TestSpecification) => {
      const path = relative(this.ctx.config.root, moduleId);
      return waiting.findIndex((folder) => path.startsWith(folder));
    };
    const waits = sorted
      .filter((file) => folderOf(file) !== -1)
      .toSorted((one, other) => folderOf(one) - folderOf(other));
    const works = sorted.filter((file) => folderOf(file) === -1);
    return [...spread(waits, allBegunAt), ...spread(works, 1)]
      .sort((one, other) => one.place - other.place)
      .map(({ file }) => file);
  }
}

/** Places in a run from 0 to `end`, at equal distances. */
function spread(files: readonly TestSpecification[], end: number) {
  return files.map((file, index) => ({ file, place: (end * index) / files.length }));
}

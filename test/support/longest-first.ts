import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders whose files take longest, mostly waiting: begun last, one of them would run on alone. */
const longest = ['tools/faults/', 'test/e2e/', 'test/clients/', 'test/browser/', 'test/contract/'];

/** Within a folder the order is that of vitest: what failed or took long the last time comes first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification) => {
      const path = relative(this.ctx.config.root, moduleId);
      const index = longest.findIndex((folder) => path.startsWith(folder));
      return index === -1 ? longest.length : index;
    };
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}

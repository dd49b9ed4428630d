import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** Closes a run with one plain line that any tool can read, and fails a run of no tests. */
// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: ReturnType<TestCase['result']>['state']) =>
      tests.filter((test) => test.result().state === state).length;
    // A module that failed to load ran none of its tests.
    const broken = modules.filter((module) => module.errors().length > 0).length;
    console.log(
      `${count('passed')} passed, ${count('failed') + broken} failed, ${count('skipped')} skipped`,
    );
    if (tests.length === 0) process.exitCode = 1;
  }
}

/** What ends the demo early and is told to the user in one sentence, without a stack. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

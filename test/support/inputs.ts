import { parseInputs, type StoredInput } from '../../src/events/parse-inputs.js';

/** Inputs as the service stores them, from what a sender would send. */
export function inputsOf(...sent: object[]): Promise<StoredInput[]> {
  return parseInputs(Buffer.from(JSON.stringify(sent)), null, { maxEventBytes: 1024 ** 2 });
}

/** Messages with the ids `i<from>` and so on. */
export function messages(count: number, from = 0): Promise<StoredInput[]> {
  const sent = Array.from({ length: count }, (_, index) => ({
    type: 'message',
    id: `i${from + index}`,
    content: `message ${from + index}`,
    timestamp: '2026-01-01T00:00:00Z',
  }));
  return inputsOf(...sent);
}

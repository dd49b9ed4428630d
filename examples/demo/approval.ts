import { setTimeout as sleep } from 'node:timers/promises';
import { DemoError } from './demo-error.js';

/** A decision of a user, as the worker has read it. */
export interface Approval {
  readonly replyTo: string;
  readonly isApproved: boolean;
}

/** A worker as its user sees it. */
interface AskingWorker {
  /** The id of the approval that it waits for. */
  readonly waitsFor: string | null;
  readonly speed: number;
}

interface Input {
  readonly type: string;
  readonly data?: { readonly replyTo?: unknown; readonly approved?: unknown } | null;
}

interface InputsPage {
  readonly inputs: readonly Input[];
  readonly nextOffset: number;
  readonly ended: boolean;
}

const waitSeconds = 10;

/** How long the user thinks: long enough to answer in the inspector instead. */
const thinkingMs = 4000;

const requestTimeoutMs = 20_000;

/** Reads the inputs from the offset on, and waits for a while until there are some. */
export async function readInputs(
  inputsUrl: string,
  offset: number,
  signal: AbortSignal,
): Promise<InputsPage> {
  const response = await fetch(`${inputsUrl}?offset=${offset}&wait=${waitSeconds}`, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
  });
  if (!response.ok) throw await failure('The inputs could not be read', response);
  const page = (await response.json()) as InputsPage;
  if (page.ended) throw new DemoError('The stream ended before its approval came');
  return page;
}

export function findApproval(inputs: readonly Input[], id: string): Approval | null {
  const input = inputs.find(({ type, data }) => type === 'approval' && data?.replyTo === id);
  return input === undefined ? null : { replyTo: id, isApproved: input.data?.approved === true };
}

/** The user: approves whatever the worker waits for, unless somebody has answered it in the inspector. */
export async function approveAll(
  worker: AskingWorker,
  inputsUrl: string,
  signal: AbortSignal,
): Promise<void> {
  while (true) {
    const id = worker.waitsFor;
    await sleep(id === null ? 10 : thinkingMs / worker.speed, undefined, { signal });
    if (id === null || id !== worker.waitsFor) continue;
    await approve(inputsUrl, id, signal);
    while (worker.waitsFor === id) await sleep(10, undefined, { signal });
  }
}

async function approve(inputsUrl: string, replyTo: string, signal: AbortSignal): Promise<void> {
  const data = { replyTo, approved: true };
  const response = await fetch(inputsUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'approval', id: `approve-${replyTo}`, data }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
  });
  if (!response.ok) throw await failure('The approval could not be sent', response);
}

async function failure(sentence: string, response: Response): Promise<DemoError> {
  return new DemoError(`${sentence}: ${response.status} ${await response.text()}`);
}

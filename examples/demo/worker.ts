import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentRun, completeEvent, type RecordedEvent } from './agent-run.js';
import { type Approval, findApproval, readInputs } from './approval.js';
import { DemoError } from './demo-error.js';

/** An append that takes longer has failed. */
const appendTimeoutMs = 10_000;

/** The agent worker: it posts the events of a recorded run, one a request. */
export class Worker {
  /** The JSON texts that the service has stored, in order. */
  readonly sent: string[] = [];
  /** Of the approval that it waits for. */
  waitsFor: string | null = null;
  readonly approvals: Approval[] = [];
  #inputOffset = 0;
  #ackOffset = 0;

  constructor(
    readonly run: AgentRun,
    readonly speed: number,
  ) {}

  get isHalfWay(): boolean {
    return this.sent.length * 2 >= this.run.length;
  }

  /**
   * Posts the whole run at its pace. It keeps to the clock rather than to the gaps, so that the
   * time the requests take does not add up.
   *
   * @throws DemoError when the service rejects an event
   */
  async replay(streamUrl: string, signal: AbortSignal): Promise<void> {
    let dueAt = performance.now();
    for (const event of this.run) {
      dueAt += event.gapMs / this.speed;
      const waitMs = dueAt - performance.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal });
      await this.#append(`${streamUrl}/events`, event, signal);
      if (event.approvalId === null) continue;
      await this.#awaitApproval(`${streamUrl}/inputs`, event.approvalId, signal);
      dueAt = performance.now();
    }
  }

  /** Reads inputs until one of them decides; what was recorded goes on the same, whatever it says. */
  async #awaitApproval(inputsUrl: string, id: string, signal: AbortSignal): Promise<void> {
    this.waitsFor = id;
    while (this.waitsFor !== null) {
      const { inputs, nextOffset } = await readInputs(inputsUrl, this.#inputOffset, signal);
      this.#inputOffset = nextOffset;
      const approval = findApproval(inputs, id);
      if (approval === null) continue;
      this.approvals.push(approval);
      this.waitsFor = null;
    }
  }

  async #append(eventsUrl: string, event: RecordedEvent, signal: AbortSignal): Promise<void> {
    const text = completeEvent(event.text, new Date());
    const ackOffset = this.#inputOffset;
    const isNews = ackOffset > this.#ackOffset;
    const response = await fetch(eventsUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(isNews && { 'inputs-ack-offset': String(ackOffset) }),
      },
      body: text,
      signal: AbortSignal.any([signal, AbortSignal.timeout(appendTimeoutMs)]),
    }).catch((error: Error) => {
      throw this.#failure(String(error.cause ?? error), error);
    });
    const body = await response.text();
    if (response.status !== 201) throw this.#failure(`${response.status} ${body}`);
    this.#ackOffset = ackOffset;
    this.sent.push(text);
  }

  #failure(reason: string, cause?: Error): DemoError {
    const message = `Event ${this.sent.length + 1} could not be appended: ${reason}`;
    return new DemoError(message, { cause });
  }
}

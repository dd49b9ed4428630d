import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'undici';
import type { ServiceProcess } from '../../../test/support/service-process.js';

interface Answer {
  readonly id: number;
  readonly result?: { readonly result?: { readonly value?: unknown } };
  readonly error?: { readonly message: string };
}

interface MemoryUse {
  readonly heapUsed: number;
  readonly external: number;
}

/** What is freed by one collection may let go of more. */
const collections = 4;
const betweenCollectionsMs = 50;

/** Looks into a process that runs with `--inspect`, over the protocol of DevTools. */
export class ProcessInspector {
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #isClosed = false;
  #sent = 0;

  private constructor(readonly socket: WebSocket) {
    socket.addEventListener('message', ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    socket.addEventListener('close', () => {
      this.#isClosed = true;
      const error = { message: 'the process that is looked into has gone' };
      for (const [id, answer] of this.#waiting) answer({ id, error });
    });
  }

  static async of(service: ServiceProcess): Promise<ProcessInspector> {
    const address = /^Debugger listening on (ws:\S+)$/m.exec(service.output)?.[1];
    if (address === undefined) throw new Error(`it cannot be looked into: ${service.output}`);
    const socket = new WebSocket(address);
    await once(socket, 'open');
    return new ProcessInspector(socket);
  }

  /** What is in use, on V8's heap and in buffers beside it, when all garbage has gone. */
  async usedMib(): Promise<number> {
    for (let count = 0; count < collections; count += 1) {
      await this.#ask('HeapProfiler.collectGarbage');
      await sleep(betweenCollectionsMs);
    }
    const { heapUsed, external } = (await this.#evaluate('process.memoryUsage()')) as MemoryUse;
    return (heapUsed + external) / 2 ** 20;
  }

  /** How many timers keep the process alive. */
  async timers(): Promise<number> {
    const kinds = (await this.#evaluate('process.getActiveResourcesInfo()')) as string[];
    return kinds.filter((kind) => kind === 'Timeout').length;
  }

  close(): void {
    this.socket.close();
  }

  async #evaluate(expression: string): Promise<unknown> {
    const answer = await this.#ask('Runtime.evaluate', { expression, returnByValue: true });
    return answer.result?.result?.value;
  }

  async #ask(method: string, params: Record<string, unknown> = {}): Promise<Answer> {
    if (this.#isClosed) throw new Error(`${method}: the process has gone`);
    this.#sent += 1;
    const id = this.#sent;
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.socket.send(JSON.stringify({ id, method, params }));
    const { error, ...rest } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return rest;
  }
}

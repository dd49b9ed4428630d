import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'undici';
import type { ServiceProcess } from '../../../test/support/service-process.js';

interface Reply {
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

/** Inspects a process that runs with `--inspect`, over the protocol of DevTools. */
export class ProcessInspector {
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #isClosed = false;
  #sent = 0;

  private constructor(readonly socket: WebSocket) {
    socket.addEventListener('message', ({ data }) => {
      const reply = JSON.parse(String(data)) as Reply;
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
    socket.addEventListener('close', () => {
      this.#isClosed = true;
      const error = { message: 'the process that is inspected has gone' };
      for (const [id, reply] of this.#waiting) reply({ id, error });
    });
  }

  static async of(service: ServiceProcess): Promise<ProcessInspector> {
    const address = /^Debugger listening on (ws:\S+)$/m.exec(service.output)?.[1];
    if (address === undefined) throw new Error(`it cannot be inspected: ${service.output}`);
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
    const reply = await this.#ask('Runtime.evaluate', { expression, returnByValue: true });
    return reply.result?.result?.value;
  }

  async #ask(method: string, params: Record<string, unknown> = {}): Promise<Reply> {
    if (this.#isClosed) throw new Error(`${method}: the process has gone`);
    this.#sent += 1;
    const id = this.#sent;
    const reply = new Promise<Reply>((resolve) => this.#waiting.set(id, resolve));
    this.socket.send(JSON.stringify({ id, method, params }));
    const { error, ...rest } = await reply;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return rest;
  }
}

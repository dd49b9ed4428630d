import { isReadyAt, ServiceProcess } from '../../../test/support/service-process.js';
import { waitFor } from '../../../test/support/wait-for.js';

export type Environment = Readonly<Record<string, string>>;

/** A place where the service runs, one process after the other at the same port. */
export class ServiceNode {
  #process: ServiceProcess | null = null;

  constructor(
    readonly port: number,
    readonly environment: Environment,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    if (this.#process === null) throw new Error('the node does not run');
    return this.#process.pid;
  }

  /** Whether it was killed and nothing took its place. */
  get isKilled(): boolean {
    return this.#process === null;
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    this.#process = new ServiceProcess({ PORT: String(this.port), ...this.environment });
    await this.#process.isListening();
    await waitFor('the node is ready', () => isReadyAt(this.url));
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    await this.#process?.kill();
    this.#process = null;
  }

  /** Asks it to end, as a deployment does, waits until it has, and starts the next. */
  async restart(): Promise<void> {
    const ended = this.#process;
    ended?.signal('SIGTERM');
    await ended?.exit();
    await this.start();
  }
}

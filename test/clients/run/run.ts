import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceProcess } from '../../support/service-process.js';
import type { Lane } from './lane.js';

/** The course of a scenario: the same happens on all lanes at a time, each client at its pace. */
export class Run {
  constructor(
    readonly lanes: readonly Lane[],
    /** Starts the service, again after a restart. */
    readonly startService: () => Promise<ServiceProcess>,
    public service: ServiceProcess,
    /** For how long a restart keeps clients out, at least. */
    readonly awayMs: number,
  ) {}

  async each(action: (lane: Lane) => unknown): Promise<void> {
    await Promise.all(this.lanes.map(action));
  }

  append(count: number): Promise<void> {
    return this.each((lane) => lane.append(this.service.url, count));
  }

  caughtUp(): Promise<void> {
    return this.each((lane) => lane.caughtUp());
  }

  /** Ends all streams, and waits until the clients know it. */
  async end(): Promise<void> {
    await this.each((lane) => lane.appendEnd(this.service.url));
    await this.each(async (lane) => {
      // Whether it stops is asked once of those who are known not to.
      if (lane.client.limits.end !== undefined && lane.scenario !== 'end') await lane.caughtUp();
      else await lane.stopped();
    });
  }

  /** Lets the service go and come again, and the workers go on before any client is let in. */
  async restart(signal: NodeJS.Signals, keeps: 'streams' | 'nothing'): Promise<void> {
    await this.each(({ proxy }) => proxy.stopAccepting());
    this.service.signal(signal);
    await this.service.exit();
    await sleep(this.awayMs);
    this.service = await this.startService();
    if (keeps === 'nothing') await this.each((lane) => lane.beginAnew());
    await this.append(3);
    await this.each(({ proxy }) => {
      proxy.targetPort = Number(new URL(this.service.url).port);
      return proxy.accept();
    });
  }
}

export const systemNames = [
  'rejoin',
  'rejoin-redis',
  'bare',
  'bare-redis',
  'bare-pubsub',
  'poll',
  'nchan',
  'durable-streams',
] as const;
export type SystemName = (typeof systemNames)[number];

/** What a scenario asks of a system. */
export interface Job {
  /** What the bare server does with events: as little as it takes. */
  readonly bare: 'discard' | 'fan-out' | 'keep';
  /** With 2, writers and readers are on different processes, where the system can have several. */
  readonly nodes: 1 | 2;
  /** Whether `longestBlockMs` is asked for, which costs the server a timer every few milliseconds. */
  readonly watchesLoop?: boolean;
}

/** Something that takes events and delivers them. */
export interface System {
  readonly name: SystemName;
  readonly version: () => string;
  readonly start: (job: Job) => Promise<Server>;
}

/** `storeCommands` of a server that has no store. */
export async function withoutStore(meanwhile: () => Promise<unknown>): Promise<number> {
  await meanwhile();
  return Number.NaN;
}

/** A system that runs, on this machine. */
export interface Server {
  /** Where readers connect. */
  readonly port: number;
  readonly writerPort: number;
  readonly pids: readonly number[];
  /** The processes of a store outside of the server. */
  readonly storePids: readonly number[];
  appendPath(stream: number): string;
  followPath(stream: number): string;
  /** The way back from the readers of a stream to its worker, where the system has one. */
  readonly inputs?: Pick<Server, 'appendPath' | 'followPath'>;
  /** Whether it stores what has a known id only once, so that each request needs one of its own. */
  readonly takesEachIdOnce?: boolean;
  /** Before anything is appended to these streams or they are followed. */
  create(streams: readonly number[]): Promise<void>;
  /** Makes room where what is stored has a limit. */
  deleteStreams(streams: readonly number[]): Promise<void>;
  /** Whether it has `/healthz`. */
  readonly hasHealth: boolean;
  /** How many commands its store gets meanwhile, without those that scripts call; NaN without a store. */
  storeCommands(meanwhile: () => Promise<unknown>): Promise<number>;
  /** For how many ms something has had the event loop at most, since the last call; NaN where it is not watched. */
  longestBlockMs(): Promise<number>;
  stop(): Promise<void>;
}

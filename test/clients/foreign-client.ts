import type { ScenarioName } from './scenario.js';

/** What a client handed to its user: the text of `data` and the id that it noted. */
export interface Received {
  readonly id: string;
  readonly data: string;
}

/** A feed that a client follows, until it ends or is closed. */
export interface Follower {
  /** All that it has received so far, in order. */
  received(): Promise<readonly Received[]>;
  /** Whether it will not come back: it was told the end, or gave up. */
  isOver(): Promise<boolean>;
  close(): Promise<void>;
}

/** A client that nobody here wrote, as its users use it. */
export interface ForeignClient {
  /** With its major version: `eventsource 4`. */
  readonly name: string;
  /** The option that it needs, for the table; null when it is used as it is. */
  readonly option: string | null;
  /** Where it cannot have each event once and in order, and why that is its own: a sentence for the table. */
  readonly limits: Partial<Record<ScenarioName, string>>;
  /** @param url of a feed; parameters that the client needs are added here */
  follow(url: string): Promise<Follower>;
}

/** What a client handed to its user. */
export interface ParsedEvent {
  readonly type: string;
  readonly data: string;
}

/** How a response ended: without its last chunk, or as one that is whole. */
export type ResponseEnd = 'broken' | 'complete';

/** One client with the parser that it uses, over any number of connections. */
export interface ParsingClient {
  readonly events: readonly ParsedEvent[];
  /** What it comes back with as `Last-Event-ID`; empty for nothing. */
  readonly lastId: string;
  /** Takes what a connection brought. */
  receive(bytes: Buffer, end: ResponseEnd): void | Promise<void>;
}

/** A parser that nobody here wrote. */
export interface FeedParser {
  /** Of the package, with its major version. */
  readonly name: string;
  create(): ParsingClient;
}

/** What parsers have in common that note an id somewhere and an event somewhere. */
export abstract class NotingClient implements ParsingClient {
  readonly events: ParsedEvent[] = [];
  lastId = '';

  abstract receive(bytes: Buffer, end: ResponseEnd): void | Promise<void>;

  protected note(type: string | undefined, data: string, id?: string): void {
    this.events.push({ type: type || 'message', data });
    if (id !== undefined) this.lastId = id;
  }
}

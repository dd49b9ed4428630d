import type { StreamId } from '../stream-id.js';
import type { ListedStream, StreamInfo } from '../stream-manager.js';
import { holdWrites } from './connection/redis-client.js';
import type { RedisCalls } from './redis-calls.js';
import type { NotedStream, SessionIndex } from './session-index.js';

/** Max statuses of a session in one pipeline, as commands of others queue behind it. */
const statusesAtOnce = 50;

/** Number of statuses in the first batch of the search for an open stream, nearly always the one noted last. */
const firstStatuses = 4;

export interface SessionStreamsOptions {
  readonly calls: RedisCalls;
  readonly index: SessionIndex;
  readonly getStatus: (stream: StreamId) => Promise<StreamInfo | null>;
}

/** The streams in the index of a session, with their statuses. */
export class SessionStreams {
  constructor(readonly options: SessionStreamsOptions) {}

  /** The existing streams, newest first. */
  async list(sessionId: string): Promise<readonly ListedStream[]> {
    const noted = await this.#noted(sessionId);
    const infos = await this.refresh(sessionId, noted);
    const listed = noted.flatMap(({ messageId }, index) => {
      const info = infos[index] ?? null;
      return info === null ? [] : [{ messageId, info }];
    });
    return listed.sort((one, other) => other.info.createdAt - one.info.createdAt);
  }

  /** @returns the `messageId` of the newest open stream; null when none is open */
  async findOpen(sessionId: string): Promise<string | null> {
    const noted = await this.#noted(sessionId);
    let newest: ListedStream | null = null;
    let asked = 0;
    // A stream is noted when it is created and later, so those noted before `newest` was created are older.
    while (asked < noted.length && isNotedSince(noted[asked], newest)) {
      const some = noted.slice(asked, asked + (asked === 0 ? firstStatuses : statusesAtOnce));
      const infos = await this.#statuses(sessionId, some);
      for (const [index, { messageId }] of some.entries()) {
        const info = infos[index] ?? null;
        if (info?.status !== 'open') continue;
        if (newest === null || info.createdAt > newest.info.createdAt) newest = { messageId, info };
      }
      asked += some.length;
    }
    return newest?.messageId ?? null;
  }

  /** Notes existing streams again, and drops expired ones. */
  async refresh(sessionId: string, noted: readonly NotedStream[]): Promise<(StreamInfo | null)[]> {
    const { calls, index: sessions } = this.options;
    const infos = await this.#statuses(sessionId, noted);
    const gone = noted.filter((_, index) => infos[index] === null);
    await calls.repair(() => sessions.drop(sessionId, gone));
    return infos;
  }

  #noted(sessionId: string): Promise<NotedStream[]> {
    return this.options.calls.run(() => this.options.index.list(sessionId));
  }

  async #statuses(sessionId: string, noted: readonly NotedStream[]) {
    const { calls, getStatus } = this.options;
    const infos: (StreamInfo | null)[] = [];
    while (infos.length < noted.length) {
      const some = noted.slice(infos.length, infos.length + statusesAtOnce);
      holdWrites(calls.client);
      const asked = some.map(({ messageId }) => getStatus({ sessionId, messageId }));
      infos.push(...(await Promise.all(asked)));
    }
    return infos;
  }
}

function isNotedSince(noted: NotedStream | undefined, newest: ListedStream | null): boolean {
  return newest === null || (noted !== undefined && noted.notedAt >= newest.info.createdAt);
}

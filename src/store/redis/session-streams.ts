import type { StreamId } from '../stream-id.js';
import type { ListedStream, StreamInfo } from '../stream-manager.js';
import { holdWrites } from './connection/redis-client.js';
import type { RedisCalls } from './redis-calls.js';
import type { NotedStream, SessionIndex } from './session-index.js';

/** For how many streams of a session Redis is asked before it has answered: others wait behind. */
const statusesAtOnce = 50;

/** For how many at first, to find one that is open: nearly always the one noted last is. */
const firstStatuses = 4;

export interface SessionStreamsOptions {
  readonly calls: RedisCalls;
  readonly index: SessionIndex;
  readonly getStatus: (stream: StreamId) => Promise<StreamInfo | null>;
}

/** The streams of a session that the index names, with the status of each. */
export class SessionStreams {
  constructor(readonly options: SessionStreamsOptions) {}

  /** Those that live, newest first. */
  async list(sessionId: string): Promise<readonly ListedStream[]> {
    const noted = await this.#noted(sessionId);
    const infos = await this.refresh(sessionId, noted);
    const listed = noted.flatMap(({ messageId }, index) => {
      const info = infos[index] ?? null;
      return info === null ? [] : [{ messageId, info }];
    });
    return listed.sort((one, other) => other.info.createdAt - one.info.createdAt);
  }

  /** @returns the `messageId` of the newest one that is open; null when none is */
  async findOpen(sessionId: string): Promise<string | null> {
    const noted = await this.#noted(sessionId);
    let newest: ListedStream | null = null;
    let asked = 0;
    // A stream is noted when it begins and later: those noted before the newest one began are older.
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

  /** Notes again those that live, and drops those gone. */
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

import type { Follower, Received } from '../foreign-client.js';

/** What all classes like EventSource have. */
export interface EventSourceLike {
  readonly readyState: number;
  addEventListener(
    type: string,
    listener: (message: { data: string; lastEventId: string }) => void,
  ): void;
  close(): void;
}

const closed = 2;

/** A page's way with an EventSource: it listens to events and resets, and leaves the rest to it. */
export function followEventSource(source: EventSourceLike): Follower {
  const received: Received[] = [];
  for (const type of ['message', 'reset']) {
    source.addEventListener(type, ({ data, lastEventId }) =>
      received.push({ id: lastEventId, data }),
    );
  }
  source.addEventListener('error', () => {}); // an EventEmitter throws what nobody listens to
  return {
    received: async () => received,
    isOver: async () => source.readyState === closed,
    close: async () => source.close(),
  };
}

/** The same with `control=true`: opens another one when no heartbeat has come for too long. */
export function followWatched(
  url: string,
  silenceMs: number,
  open: (url: string) => EventSourceLike,
): Follower {
  const received: Received[] = [];
  let source: EventSourceLike;
  let watchdog: NodeJS.Timeout | undefined;
  const reopen = (lastId: string | undefined) => {
    source?.close();
    const start = lastId === undefined ? '' : `&lastEventId=${lastId}`;
    source = open(`${url}${url.includes('?') ? '&' : '?'}control=true${start}`);
    watch();
    source.addEventListener('open', watch);
    source.addEventListener('error', watch);
    source.addEventListener('heartbeat', watch);
    for (const type of ['message', 'reset']) {
      source.addEventListener(type, ({ data, lastEventId }) => {
        watch();
        received.push({ id: lastEventId, data });
      });
    }
  };
  const watch = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      if (source.readyState !== closed) reopen(received.at(-1)?.id);
    }, silenceMs);
  };
  reopen(undefined);
  return {
    received: async () => received,
    isOver: async () => source.readyState === closed,
    close: async () => {
      clearTimeout(watchdog);
      source.close();
    },
  };
}

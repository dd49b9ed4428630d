/** What a service has in `FEED_HEARTBEAT`, until the first heartbeat says it. */
const usualHeartbeatMs = 15_000;

/** A feed asks the browser to wait for at most 5 seconds before it reconnects. */
const maxRetryMs = 5000;

const firstPauseMs = 1000;
const maxPauseMs = 30_000;

const endings = { complete: 'complete', stop: 'stopped' };

/**
 * Follows one stream from its start, over any number of connections. Each event comes once and in
 * order; stored chunks of one text come as one event.
 *
 * @param url of the message: `…/sessions/:sid/messages/:mid`
 * @param getToken gives the reader token, or a promise of it, where readers need one. It is asked
 *   before each connection, since a token expires
 * @param onEvent is given each event
 * @param onReset is told that the stream was lost or replaced: all of it comes again, from its start
 * @param onStatus is given `connecting` or `open`, and in the end `complete`, `stopped` or `failed`, as the
 *   stream says; `gone` where the stream is no longer there, or `rejected` where the token is not accepted
 * @returns a function that ends it
 */
export function follow(url, { getToken = () => '', onEvent, onReset, onStatus }) {
  let source;
  let lastId = '';
  let ending;
  let silenceMs = 2 * usualHeartbeatMs;
  let pauseMs = firstPauseMs;
  let timer;
  let hasLeft = false;

  const leave = () => {
    hasLeft = true;
    clearTimeout(timer);
    source?.close();
  };
  const tell = (status) => onStatus(ending ?? status);
  const finish = (status) => {
    leave();
    tell(status);
  };
  /** One timer for what is waited for: a heartbeat, or the end of a pause. */
  const waitFor = (ms, action) => {
    clearTimeout(timer);
    if (!hasLeft) timer = setTimeout(action, ms);
  };
  const openLater = () => {
    const jitter = (1 + Math.random()) / 2; // so that readers cut off together do not all come back together
    waitFor(jitter * pauseMs, () => open(true).catch(openLater));
    pauseMs = Math.min(2 * pauseMs, maxPauseMs);
  };
  const reopen = () => (ending === undefined ? open().catch(openLater) : leave());
  /** A connection may be dead and look open. */
  const hear = (retryMs = 0) => waitFor(retryMs + silenceMs, reopen);

  /** @param hasFailed whether the last one was closed for good: an EventSource does not tell why */
  async function open(hasFailed = false) {
    source?.close();
    tell('connecting');
    const feed = `${url}/stream?${new URLSearchParams({
      compact: true,
      control: true,
      lastEventId: lastId,
      token: await getToken(), // an empty one counts as none
    })}`;
    const status = hasFailed ? await statusOf(feed, silenceMs) : 200;
    if (hasLeft) return;
    if (status === 204) finish('gone');
    else if (status === 401 || status === 403) finish('rejected');
    else if (status === 200) listen(new EventSource(feed));
    else openLater();
  }

  function listen(opened) {
    source = opened;
    const on = (type, take) =>
      source.addEventListener(type, (message) => {
        take(message);
        hear();
      });
    on('open', () => {
      pauseMs = firstPauseMs;
      tell('open');
    });
    on('heartbeat', ({ data }) => {
      silenceMs = 2 * JSON.parse(data).intervalMs;
    });
    on('message', ({ data, lastEventId }) => {
      lastId = lastEventId;
      const event = JSON.parse(data);
      onEvent(event);
      ending ??= event.type === 'error' && event.done ? 'failed' : endings[event.type];
      tell('open');
    });
    on('reset', ({ lastEventId }) => {
      lastId = lastEventId;
      ending = undefined;
      onReset();
      tell('open');
    });
    source.onerror = () => {
      tell('connecting');
      if (source.readyState !== EventSource.CLOSED) hear(maxRetryMs);
      else if (ending === undefined) openLater();
      else leave();
    };
    hear();
  }

  open().catch(openLater);
  return leave;
}

async function statusOf(feed, timeoutMs) {
  const request = { method: 'HEAD', signal: AbortSignal.timeout(timeoutMs) };
  try {
    return (await fetch(feed, request)).status;
  } catch {
    return null; // the service is unreachable
  }
}

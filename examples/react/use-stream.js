import { useCallback, useEffect, useReducer, useRef } from 'react';

/** How often what has come is shown: a page that renders for each event cannot keep up. */
const showEveryMs = 16;

/** An EventSource gives up for good after an answer such as 502; then the hook begins anew. */
const comeBackMs = 5000;

/** What the service has in `FEED_HEARTBEAT`, unless it is told otherwise. */
const usualHeartbeatMs = 15_000;

const endings = { complete: 'complete', stop: 'stopped' };

const nothing = { events: [], status: 'connecting' };

/**
 * Follows one stream from its start, through whatever breaks in between.
 *
 * @param url of the message: `…/sessions/:sid/messages/:mid`
 * @param token of the reader, where one is needed; when it has expired, the newest one that was given
 *   goes on
 * @param heartbeatMs how often the service sends something at least: after twice that, the connection
 *   counts as dead
 * @returns the events, each once and in order, where chunks of one text that were there already are
 *   one event; the status (`connecting`, `open`, and at the end `complete`, `stopped` or `failed`);
 *   and a function that stops the run
 */
export function useStream(url, token = '', heartbeatMs = usualHeartbeatMs) {
  const [state, dispatch] = useReducer(reduce, nothing);
  const newestToken = useRef(token);

  useEffect(() => {
    newestToken.current = token;
  }, [token]);

  useEffect(() => {
    dispatch({ type: 'begin' });
    return follow(url, newestToken, 2 * heartbeatMs, dispatch);
  }, [url, heartbeatMs]);

  const stop = useCallback(
    () => fetch(`${url}/stop?token=${newestToken.current}`, { method: 'POST' }),
    [url],
  );
  return { ...state, stop };
}

function reduce(state, action) {
  switch (action.type) {
    case 'begin':
      return nothing;
    case 'status':
      return { ...state, status: endingOf(state.events) ?? action.status };
    default: {
      const events = [...action.kept(state.events), ...action.events];
      return { events, status: endingOf(events) ?? state.status };
    }
  }
}

/** A title may follow the event that ends a stream. */
function endingOf(events) {
  const last = events.findLast(({ type }) => type !== 'session_title');
  if (last?.type === 'error') return last.done ? 'failed' : undefined;
  return endings[last?.type];
}

/** @returns a function that ends it */
function follow(url, newestToken, silenceMs, dispatch) {
  let source;
  let lastId = '0';
  let hasEnded = false;
  let arrived = [];
  let isReset = false;
  let showing;
  let comingBack;
  let watchdog;

  const show = () => {
    showing = undefined;
    const kept = isReset ? () => [] : (events) => events;
    dispatch({ type: 'events', kept, events: arrived });
    [arrived, isReset] = [[], false];
  };
  const hear = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(reopen, silenceMs);
  };
  const note = (message) => {
    hear();
    lastId = message.lastEventId;
    if (message.type === 'reset') [arrived, isReset, hasEnded] = [[], true, false];
    else arrived.push(JSON.parse(message.data));
    hasEnded ||= endingOf(arrived.slice(-1)) !== undefined;
    showing ??= setTimeout(show, showEveryMs);
  };
  const open = () => {
    const query = `compact=true&control=true&lastEventId=${lastId}&token=${newestToken.current}`;
    source = new EventSource(`${url}/stream?${query}`);
    source.onmessage = note;
    source.addEventListener('reset', note);
    source.addEventListener('heartbeat', hear);
    source.onopen = () => {
      hear();
      dispatch({ type: 'status', status: 'open' });
    };
    source.onerror = () => {
      dispatch({ type: 'status', status: 'connecting' });
      if (source.readyState !== EventSource.CLOSED) return;
      clearTimeout(watchdog);
      if (!hasEnded) comingBack = setTimeout(open, comeBackMs);
    };
    hear();
  };
  const reopen = () => {
    source.close();
    dispatch({ type: 'status', status: 'connecting' });
    open();
  };

  open();
  return () => {
    source.close();
    clearTimeout(showing);
    clearTimeout(comingBack);
    clearTimeout(watchdog);
  };
}

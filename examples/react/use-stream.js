import { useCallback, useEffect, useRef, useState } from 'react';
import { follow } from '../page/follow.js';

/** How often what has come is shown: a page that renders for each event cannot keep up. */
const showEveryMs = 16;

const nothing = { events: [], status: 'connecting' };

const noToken = () => '';

/**
 * Follows one stream from its start, over any number of connections.
 *
 * @param url of the message: `…/sessions/:sid/messages/:mid`
 * @param getToken gives the reader token, or a promise of it, where readers need one; another
 *   function in another render takes its place
 * @returns the events, each once and in order, where chunks of one text that were there already are
 *   one event; the status as in `follow`; and a function that stops the run
 */
export function useStream(url, getToken = noToken) {
  const [state, setState] = useState(nothing);
  const newest = useRef(getToken);

  useEffect(() => {
    newest.current = getToken;
  }, [getToken]);

  useEffect(() => {
    let { events, status } = nothing;
    let arrived = [];
    let showing;
    const show = () => {
      showing = undefined;
      events = [...events, ...arrived];
      arrived = [];
      setState({ events, status });
    };
    const showSoon = () => {
      showing ??= setTimeout(show, showEveryMs);
    };
    show();
    const leave = follow(url, {
      getToken: () => newest.current(),
      onEvent: (event) => {
        arrived.push(event);
        showSoon();
      },
      onReset: () => {
        [events, arrived] = [[], []];
        showSoon();
      },
      onStatus: (next) => {
        status = next;
        showSoon();
      },
    });
    return () => {
      leave();
      clearTimeout(showing);
    };
  }, [url]);

  const stop = useCallback(
    async () => fetch(`${url}/stop?token=${await newest.current()}`, { method: 'POST' }),
    [url],
  );
  return { ...state, stop };
}
